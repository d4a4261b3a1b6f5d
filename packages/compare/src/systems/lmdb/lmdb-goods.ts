import type { ShopClaim, ShopTable } from '@k-lani/bench';
import type { Database } from 'lmdb';
import { demandOf, type Goods, type UnitRow, type UnitTerm } from '../goods.ts';
import { noRowLocks } from '../no-row-locks.ts';
import type { OpenGoods, Way } from '../system.ts';
import { openEnvironment, transact } from './environment.ts';

const NONE: ShopClaim = { outcome: 'none_available' };
const STRUCTURES_KEY = 0xffff_ffff;
/** A free unit's key is its group and, in the low bits, its price. */
const PRICES = 2 ** 16;

/** Units by id, and the ids of free ones by group and price. */
export function openLmdbGoods(directory: string, { fields, market }: Goods, { name }: Way): OpenGoods {
  const root = openEnvironment(directory);
  const units: Database<UnitRow, number> = root.openDB({ name: 'units', keyEncoding: 'uint32', sharedStructuresKey: STRUCTURES_KEY });
  const free: Database<number, number> = root.openDB({ name: 'free', keyEncoding: 'uint32', dupSort: true, encoding: 'ordered-binary' });
  const keyOf = (row: UnitRow): number => (row[fields.group] ?? 0) * PRICES + (fields.price === undefined ? 0 : (row[fields.price] ?? 0));
  const rangeOf = (terms: readonly UnitTerm[]): { start: number; end: number } => {
    const { group, ceiling } = demandOf(fields, terms);
    return { start: group * PRICES, end: group * PRICES + (ceiling ?? 0) + 1 };
  };
  const claim = (where: readonly UnitTerm[], set: Partial<UnitRow>): ShopClaim => {
    const [found] = free.getRange({ ...rangeOf(where), limit: 1 });
    if (found === undefined) return NONE;
    const unit = units.get(found.value);
    if (unit === undefined) throw new Error(`Cannot sell unit ${found.value}: its row is gone`);
    units.putSync(found.value, market.soldRow(unit, set[fields.buyer] ?? 0));
    free.removeSync(found.key, found.value);
    return { outcome: 'claimed', lines: [[{ rowId: found.value }]] };
  };
  const table: ShopTable<UnitRow, UnitTerm> = {
    queryIntersect: async (terms, { limit }) => Array.from(free.getRange({ ...rangeOf(terms), limit }), ({ value }) => value),
    tryLock: noRowLocks,
    claim: ({ where, set }) => transact(root, name === 'batched', () => claim(where, set)),
  };
  return {
    tables: [table],
    appendAll: async (rows) =>
      root.transactionSync(() => {
        const [last = 0] = units.getKeys({ start: STRUCTURES_KEY - 1, end: 0, reverse: true, limit: 1 });
        return rows.map((row, index) => {
          const id = last + index + 1;
          units.putSync(id, row);
          free.putSync(keyOf(row), id);
          return id;
        });
      }),
    scan: async function* () {
      for (const { key, value } of units.getRange({ end: STRUCTURES_KEY })) yield { rowId: key, row: value };
    },
    close: () => root.close(),
  };
}
