/** For tests: a table of seats that is changed at random, what it is at each lsn, and what a reader in another process saw of it. */
import { createHash } from 'node:crypto';
import { SeededRandom, assert } from '@k-lani/base';
import { ByteWriter, KLaniError, defineTable, type RowOf } from '@k-lani/protocol';
import { RESULT_ROWS_MAX } from '../database/reader.ts';
import { TermList } from '../index/term.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import type { EmbeddedTable } from './embedded-table.ts';
import { versionedRowAt } from './embedded-rows.ts';
import type { ReaderDatabase } from './reader-database.ts';
import { fillFrom } from './row-change.ts';
import type { TableReader } from './table-reader.ts';

const ZONES = 5;
const PRICES = 1000;
/** Prices from here on are dear. */
const DEAR = 600;
const CHANGES_MAX = 12;
const SEATS_MAX = 120;

export const schema = defineTable({
  table: 'seats',
  fields: {
    zone: { type: 'uint8', index: 'non_unique' },
    price: { type: 'uint16', index: 'ordered' },
    code: { type: 'uint32', index: 'unique' },
  },
});

type Seat = RowOf<typeof schema>;

/** What was seen of two snapshots, one after the other. */
export interface Seen {
  /** Everything before this position was in the snapshot that was scanned. */
  readonly lsn: number;
  /** Digest of all its rows with their versions. */
  readonly rows: string;
  /** The snapshot of the query, and the ids of the dear seats of a zone in it, ascending. */
  readonly queryLsn: number;
  readonly zone: number;
  readonly dear: readonly number[];
}

/** What the table is from one lsn on. */
interface Known {
  readonly lsn: number;
  readonly rows: string;
  readonly dearByZone: readonly (readonly number[])[];
}

/** Changes seats, batch after batch, and keeps what they are after each. */
export class SeatWriter {
  readonly #database: EmbeddedDatabase;
  readonly #seats: EmbeddedTable<typeof schema>;
  readonly #random: SeededRandom;
  readonly #live = new Map<number, { version: number; row: Seat }>();
  readonly #known: Known[] = [];
  #codes = 0;

  constructor(database: EmbeddedDatabase, seats: EmbeddedTable<typeof schema>, random: SeededRandom) {
    this.#database = database;
    this.#seats = seats;
    this.#random = random;
    this.#keep();
  }

  /** Carries out one batch of changes. Returns when it is durable and visible. */
  async change(): Promise<void> {
    const touched = new Set<number>();
    const appended: Seat[] = [];
    const codesBefore = this.#codes;
    await this.#database.batch((batch) => {
      for (let count = 1 + this.#random.below(CHANGES_MAX); count > 0; count -= 1) {
        const [rowId, seat] = this.#anySeat();
        if (rowId === 0 || touched.has(rowId)) {
          if (this.#live.size + appended.length >= SEATS_MAX) continue;
          const row = this.#newSeat();
          appended.push(row);
          batch.append(this.#seats, row);
          continue;
        }
        assert(seat !== undefined, 'The seat is live');
        touched.add(rowId);
        if (this.#random.below(4) === 0) {
          this.#live.delete(rowId);
          batch.delete(this.#seats, rowId, { ifVersion: seat.version });
        } else {
          const row = { ...this.#newSeat(), code: seat.row.code };
          this.#live.set(rowId, { version: seat.version + 1, row });
          batch.replace(this.#seats, rowId, row, { ifVersion: seat.version });
        }
      }
      if (touched.size + appended.length > 0) return;
      const row = this.#newSeat();
      appended.push(row);
      batch.append(this.#seats, row);
    });
    const from = this.#seats.queryIntersect([{ field: 'code', gt: codesBefore }], { limit: 0 });
    for (const rowId of from) {
      const { row, version } = this.#seats.seek(rowId) ?? {};
      assert(row !== undefined && version !== undefined, 'It was appended');
      const given = appended.find(({ code }) => code === row.code);
      if (given !== undefined) this.#live.set(rowId, { version: 1, row: given });
    }
    this.#keep();
  }

  /** What is wrong with what was seen; `undefined` when nothing is. */
  judge(seen: Seen): string | undefined {
    const known = this.#at(seen.lsn);
    if (known?.rows !== seen.rows) return `the rows at ${seen.lsn} are not those that were written: ${JSON.stringify(seen)}`;
    const dear = this.#at(seen.queryLsn)?.dearByZone[seen.zone];
    if (dear?.join() === seen.dear.join()) return undefined;
    return `the seats of a zone at ${seen.queryLsn} are ${seen.dear.join()}, must be ${dear?.join()}`;
  }

  #at(lsn: number): Known | undefined {
    return this.#known.findLast((known) => known.lsn <= lsn);
  }

  #keep(): void {
    const rows = [...this.#live].toSorted(([a], [b]) => a - b).map(([rowId, { version, row }]) => [rowId, version, row] as const);
    const dearByZone = Array.from({ length: ZONES }, (_, zone) =>
      rows.flatMap(([rowId, , row]) => (row.zone === zone && row.price >= DEAR ? [rowId] : [])),
    );
    this.#known.push({ lsn: this.#database.stats().durable, rows: digest(rows), dearByZone });
  }

  #anySeat(): [number, { version: number; row: Seat } | undefined] {
    const live = [...this.#live.keys()];
    const rowId = live[this.#random.below(live.length + 20)] ?? 0;
    return [rowId, this.#live.get(rowId)];
  }

  #newSeat(): Seat {
    this.#codes += 1;
    return { zone: this.#random.below(ZONES), price: this.#random.below(PRICES), code: this.#codes };
  }
}

/** Reads seats as a process beside the writer's. */
export class SeatReader {
  readonly #reader: ReaderDatabase;
  readonly #seats: TableReader<typeof schema>;
  readonly #terms = new TermList();
  #zone = 0;

  private constructor(reader: ReaderDatabase, seats: TableReader<typeof schema>) {
    this.#reader = reader;
    this.#seats = seats;
  }

  static async of(reader: ReaderDatabase): Promise<SeatReader> {
    return new SeatReader(reader, await reader.table(schema));
  }

  /** Reads all of a snapshot, and queries the next; `undefined` when it did not come through. */
  see(): Seen | undefined {
    const { shared } = this.#reader;
    const { stored } = this.#seats;
    this.#zone = (this.#zone + 1) % ZONES;
    const zone = this.#zone;
    fillFrom(
      this.#terms,
      stored,
      [
        { field: 'zone', eq: zone },
        { field: 'price', gte: DEAR },
      ] as const,
      new ByteWriter(),
    );
    try {
      const cursor = shared.scan(stored);
      const rows: unknown[] = [];
      while (!cursor.isDone) {
        cursor.page(7, (at) => {
          const { rowId, version, row } = versionedRowAt<Seat>(shared.log, stored, at);
          return rows.push([rowId, version, { zone: row.zone, price: row.price, code: row.code }]) > 0;
        });
      }
      const query = shared.queryAt(stored, this.#terms, { limit: 0, spread: 0, rowsMax: RESULT_ROWS_MAX });
      const dear = [...query.rowIds].toSorted((a, b) => a - b);
      return { lsn: cursor.lsn, rows: digest(rows), queryLsn: query.lsn, zone, dear };
    } catch (error) {
      if (error instanceof KLaniError && error.code === 'Overloaded') return undefined;
      throw error;
    }
  }

  /** Is nearly always in the middle of a read: of rows, by a range that filters. */
  linger(): void {
    try {
      this.#seats.count([
        { field: 'price', gte: 1 },
        { field: 'code', gte: 1 },
      ]);
    } catch (error) {
      if (!(error instanceof KLaniError) || error.code !== 'Overloaded') throw error;
    }
  }

  /** Reads a row. */
  touch(): void {
    this.#seats.seek(1);
  }
}

function digest(rows: readonly unknown[]): string {
  return createHash('sha1').update(JSON.stringify(rows)).digest('hex').slice(0, 16);
}
