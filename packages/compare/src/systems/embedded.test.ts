/** The contract of embedded systems: each of them, in each of its ways, at a small size. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { concertGoods, holidayGoods, type Goods } from './goods.ts';
import { K_LANI_EMBEDDED } from './k-lani-embedded/k-lani-embedded.ts';
import { type Item, makeItems } from './items.ts';
import { LMDB } from './lmdb/lmdb.ts';
import { SQLITE } from './sqlite/sqlite.ts';
import type { OpenGoods, OpenItems, Session, System, Use, Way } from './system.ts';

const SEED = 5;
const ROWS = 400;

for (const system of [K_LANI_EMBEDDED, SQLITE, LMDB]) {
  for (const way of waysOf(system, 'items', 'read', 'range', 'intersect', 'pair')) {
    test(`${system.name}, ${way.name}: items are read as they were inserted, by number, range and index`, async () => {
      await using place = await openSystem(system);
      await insertAndRead(place.session, way);
    });
  }
  for (const way of waysOf(system, 'items')) {
    test(`${system.name}, ${way.name}: items without indexes are read by their number`, async () => {
      await using place = await openSystem(system);
      const opened = await place.session.openPlainItems?.('plain', way);
      assert.ok(opened !== undefined);
      const items = makeItems(ROWS, SEED);
      await opened.lanes[0]?.insert(items);
      assert.deepEqual(plain(opened.lanes[0]?.direct?.between(11, 20)), items.slice(10, 20));
      await opened.close();
    });
  }
  for (const way of waysOf(system, 'claim')) {
    for (const goods of [concertGoods(12), holidayGoods(2, 6, SEED)]) {
      test(`${system.name}, ${way.name}: each unit of the ${goods.name} is claimed once`, async () => {
        await using place = await openSystem(system);
        await claimAll(place.session, goods, way);
      });
    }
  }
  for (const way of waysOf(system, 'hot-claim')) {
    test(`${system.name}, ${way.name}: hot rows count every time that they were taken`, async () => {
      await using place = await openSystem(system);
      await takeHotRows(place.session, way);
    });
  }
}

/** Each way once, whatever it is used for. */
function waysOf(system: System, ...uses: readonly Use[]): readonly Way[] {
  const names = new Set(uses.flatMap((use) => system.ways(use)));
  return Array.from(names, (name) => ({ name, connections: 1 }));
}

async function openSystem(system: System): Promise<{ session: Session } & AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), `compare-${system.name}-`));
  const session = await system.open({ host: '', port: 0, directory });
  return {
    session,
    [Symbol.asyncDispose]: async () => {
      await session.close();
      rmSync(directory, { recursive: true });
    },
  };
}

async function insertAndRead(session: Session, way: Way): Promise<void> {
  const items = makeItems(ROWS, SEED);
  const changed = items.with(6, { ...(items[6] as Item), amount: 99 });
  await writeItems(session, items, way);
  const opened = await session.openItems('items', way);
  const { lane, direct } = readsOf(opened);
  assert.deepEqual(plain(direct.read(7)), changed[6]);
  assert.deepEqual(plain(await lane.read(ROWS)), changed[ROWS - 1]);
  assert.equal(direct.read(ROWS + 1), undefined);
  assert.deepEqual(plain(direct.between(5, 9)), changed.slice(4, 9));
  const isInRange = ({ price }: Item): boolean => price >= 200_000 && price <= 400_000;
  const byPrice = (found: readonly Item[]): Item[] => plain(found).toSorted((a, b) => a.price - b.price || a.number - b.number);
  assert.deepEqual(byPrice(direct.range(200_000, 400_000)), byPrice(changed.filter(isInRange)));
  assert.deepEqual(byPrice(await lane.range(200_000, 400_000)), byPrice(changed.filter(isInRange)));
  const [{ category, region }] = items as [Item];
  const sameCategory = items.filter((item) => item.category === category);
  assert.deepEqual(
    direct.ofCategory(category).toSorted(byNumber),
    sameCategory.map(({ number }) => number),
  );
  const status = mostFrequent(items.filter((item) => item.region === region));
  const numbers = items.filter((item) => item.region === region && item.status === status).map(({ number }) => number);
  assert.ok(numbers.length > 1);
  assert.deepEqual(await lane.ofRegionAndStatus(region, status), numbers);
  assert.deepEqual(direct.ofRegionAndStatus(region, status, numbers.length - 1), numbers.slice(0, -1));
  assert.deepEqual(plain(await Array.fromAsync(opened.scan())), changed);
  await opened.close();
}

/** Rows of SQLite have no prototype. */
function plain<Value>(value: Value): Value {
  return structuredClone(value);
}

/** Inserts in two transactions, changes an amount, and closes. */
async function writeItems(session: Session, items: readonly Item[], way: Way): Promise<void> {
  const opened = await session.openItems('items', way);
  const { lane } = readsOf(opened);
  await lane.insert(items.slice(0, 100));
  await lane.insert(items.slice(100));
  await lane.setAmount(7, 99);
  await opened.settle?.();
  await opened.close();
}

function readsOf({ lanes }: OpenItems): { lane: OpenItems['lanes'][number]; direct: NonNullable<OpenItems['lanes'][number]['direct']> } {
  const [lane] = lanes;
  assert.ok(lane?.direct !== undefined);
  return { lane, direct: lane.direct };
}

function mostFrequent(items: readonly Item[]): number {
  const counts = Map.groupBy(items, ({ status }) => status);
  const [[status] = [0]] = [...counts].toSorted(([, a], [, b]) => b.length - a.length);
  return status;
}

async function claimAll(session: Session, goods: Goods, way: Way): Promise<void> {
  const { market } = goods;
  const opened = await session.openGoods(goods, 'goods', way);
  const units = market.groupSizes.flatMap((size, index) =>
    Array.from({ length: size }, (_, unit) => ({ group: index + 1, unit: unit + 1 })),
  );
  const rowIds = await opened.appendAll(units.map((unit) => market.freeRow(unit)));
  await opened.settle?.();
  assert.equal(new Set(rowIds).size, units.length);
  const buyers = units.flatMap(({ group }, index) => [
    { group, buyer: 2 * index + 1 },
    { group, buyer: 2 * index + 2 },
  ]);
  const answers = await Promise.all(buyers.map(({ group, buyer }) => claimOne(opened, goods, group, buyer)));
  const sold = answers.filter(({ rowId }) => rowId !== 0);
  assert.deepEqual(sold.map(({ rowId }) => rowId).toSorted(byNumber), rowIds.toSorted(byNumber));
  await opened.close();
  const again = await session.openGoods(goods, 'goods', way);
  const stored = (await Array.fromAsync(again.scan())).map(({ rowId, row }) => ({ rowId, ...market.stateOf(row) }));
  for (const { rowId, buyer, group } of sold)
    assert.deepEqual(
      stored.filter((one) => one.rowId === rowId).map(({ isBooked, buyer: holder, group: of }) => [isBooked, holder, of]),
      [[true, buyer, group]],
    );
  assert.equal(stored.length, units.length);
  await again.close();
}

async function claimOne({ tables }: OpenGoods, { market }: Goods, group: number, buyer: number) {
  const answer = await tables[0]?.claim({ where: market.termsOf(group), set: market.saleTo(buyer) });
  const rowId = answer?.outcome === 'claimed' ? (answer.lines[0]?.[0]?.rowId ?? 0) : 0;
  return { rowId, buyer, group };
}

function byNumber(a: number, b: number): number {
  return a - b;
}

async function takeHotRows(session: Session, way: Way): Promise<void> {
  const opened = await session.openHotRows('hot', way);
  const [lane] = opened.lanes;
  assert.ok(lane !== undefined);
  await opened.create(2);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => lane.take(2, index + 1)));
  assert.ok(answers.every((isTaken) => isTaken));
  await lane.takeByLoop(1, 77);
  await opened.close();
  const again = await session.openHotRows('hot', way);
  assert.deepEqual(plain(await again.readAll()), [
    { slot: 1, taken: 1, holder: 77 },
    { slot: 2, taken: 20, holder: 20 },
  ]);
  await again.close();
}
