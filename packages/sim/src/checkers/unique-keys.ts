/** Unique keys are: after no operation do two rows have the same value in a unique field. Nothing is no value. */
import type { Checker } from '../record/evidence.ts';
import type { TrueRecord } from '../record/log-truth.ts';
import { MEMBERS, SEATS } from '../workload/tables.ts';

/** Table → its unique fields. */
const UNIQUE_FIELDS: ReadonlyMap<string, readonly string[]> = new Map(
  [SEATS, MEMBERS].map(({ table, fields }) => [table, fields.filter(({ index }) => index === 'unique').map(({ name }) => name)]),
);

export const uniqueKeys: Checker = {
  name: 'unique keys',
  check({ truth }, report) {
    const holders = new Holders();
    let checks = 0;
    let operation: TrueRecord[] = [];
    const end = (): void => {
      for (const record of operation) holders.release(record);
      for (const record of operation) {
        checks += 1;
        holders.take(record, report);
      }
      operation = [];
    };
    for (const record of truth.records) {
      if (!UNIQUE_FIELDS.has(record.table)) continue;
      if (operation[0]?.operationId !== record.operationId) end();
      operation.push(record);
    }
    end();
    return checks;
  },
};

/** Who has which value. */
class Holders {
  /** Table, field and value → row id. */
  readonly #byValue = new Map<string, number>();
  /** Table and row id → the values that it has. */
  readonly #byRow = new Map<string, readonly string[]>();

  release({ table, rowId }: TrueRecord): void {
    for (const value of this.#byRow.get(`${table}/${rowId}`) ?? []) if (this.#byValue.get(value) === rowId) this.#byValue.delete(value);
    this.#byRow.delete(`${table}/${rowId}`);
  }

  take({ table, rowId, row, lsn }: TrueRecord, report: (what: string) => void): void {
    if (row === undefined) return;
    const values: string[] = [];
    for (const field of UNIQUE_FIELDS.get(table) ?? []) {
      if (row[field] === null || row[field] === undefined) continue;
      const value = `${table}.${field} = ${row[field]}`;
      const holder = this.#byValue.get(value);
      if (holder !== undefined && holder !== rowId) report(`row ${rowId} was given ${value} at ${lsn}, which row ${holder} has`);
      this.#byValue.set(value, rowId);
      values.push(value);
    }
    this.#byRow.set(`${table}/${rowId}`, values);
  }
}
