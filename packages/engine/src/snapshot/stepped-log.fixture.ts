/** For tests: a log with batches of appends, replaces and deletes of the rows of one table. Every batch changes row 1. */
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { SeededRandom } from '@k-lani/base';
import { ByteWriter, defineTable, encodeRow } from '@k-lani/protocol';
import { Log } from '../log/log.ts';
import { RecordKind, newDraft, recordSize, type Operation } from '../log/record.ts';
import { Catalog } from '../table/catalog.ts';
import { ROWS_MAX, ZONES } from './observed-table.fixture.ts';

const BATCHES = 60;
const CHANGES_MAX = 5;
const PRICES = 12;

const schema = defineTable({
  table: 'seats',
  fields: { zone: { type: 'uint8', index: 'non_unique' }, price: { type: 'uint16', index: 'ordered' } },
});

const OPERATION: Operation = { id: new Uint8Array(16), digestChecksum: 0, digestLength: 0, opcode: 0, actor: new Uint8Array(0) };

/** The records of one batch: the positions from the first record to the end. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export interface SteppedLog {
  readonly log: Log;
  readonly catalog: Catalog;
  readonly batches: readonly Span[];
}

/** Writes the log into an empty directory. */
export async function writeSteppedLog(path: string): Promise<SteppedLog> {
  const random = new SeededRandom(1);
  const clock = new NodeClock();
  const log = await Log.open({
    directory: new NodeIo().openDirectory(path, { create: true }),
    clock,
    scheduler: clock,
    random,
    durability: 'os',
    readOnly: false,
    segmentSizeBytes: 1 << 20,
    onDurable: () => undefined,
    onFailed: () => undefined,
  });
  const catalog = new Catalog();
  const writer = new BatchWriter(log, catalog, random);
  const batches = [await writer.schema()];
  while (batches.length < BATCHES) batches.push(await writer.changes());
  return { log, catalog, batches };
}

class BatchWriter {
  readonly #log: Log;
  readonly #catalog: Catalog;
  readonly #random: SeededRandom;
  /** Rows that are live. */
  readonly #live = new Set<number>();
  #rowIdNext = 1;

  constructor(log: Log, catalog: Catalog, random: SeededRandom) {
    this.#log = log;
    this.#catalog = catalog;
    this.#random = random;
  }

  async schema(): Promise<Span> {
    const position = this.#append(RecordKind.schema, 0);
    this.#catalog.apply(1, schema, position);
    const span = await this.#durable(position);
    return span;
  }

  async changes(): Promise<Span> {
    let start = 0;
    const changed = new Set<number>();
    for (let count = 1 + this.#random.below(CHANGES_MAX); count > 0; count -= 1) {
      const rowId = changed.size === 0 ? 1 : this.#anyRow();
      if (changed.has(rowId)) continue;
      changed.add(rowId);
      const position = this.#change(rowId);
      start ||= position;
    }
    return this.#durable(start);
  }

  #anyRow(): number {
    const isNew = this.#rowIdNext <= ROWS_MAX && this.#random.below(2) === 0;
    return isNew ? this.#rowIdNext : 1 + this.#random.below(this.#rowIdNext - 1);
  }

  #change(rowId: number): number {
    if (rowId === this.#rowIdNext) {
      this.#rowIdNext += 1;
      this.#live.add(rowId);
      return this.#append(RecordKind.append, rowId);
    }
    // A row that was deleted comes back by a replace: no user can do that, and the sides do not mind.
    const deletes = rowId !== 1 && this.#live.has(rowId) && this.#random.below(4) === 0;
    if (deletes) this.#live.delete(rowId);
    else this.#live.add(rowId);
    return this.#append(deletes ? RecordKind.delete : RecordKind.replace, rowId);
  }

  #append(kind: number, rowId: number): number {
    const body = new ByteWriter();
    if (kind === RecordKind.append || kind === RecordKind.replace) {
      const row = { zone: this.#random.below(ZONES), price: this.#random.below(PRICES) };
      encodeRow(this.#catalog.byId(1).layout, row, body);
    }
    const log = this.#log;
    log.reserve(recordSize(body.length, 0));
    const at = log.begin({ ...newDraft(kind), tableId: 1, rowId, schemaVersion: 1 }, OPERATION, body.length);
    log.target.bytes.set(body.bytes.subarray(0, body.length), at);
    return log.finish();
  }

  #durable(start: number): Promise<Span> {
    const end = this.#log.appended;
    return new Promise((resolve, reject) => {
      this.#log.whenDurable(end - 1, (error) => (error === undefined ? resolve({ start, end }) : reject(error)));
    });
  }
}
