/** The small databases whose bytes are flipped, and what they must show. */
import { SeededRandom } from '@k-lani/base';
import { openDatabase, parseAnchor, segmentName, verifyLog, type EmbeddedDatabase, type OpenOptions } from '@k-lani/engine';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { MemoryClock, MemoryIo, type Files } from './memory-io.ts';

const SEGMENT_SIZE_BYTES = 64 * 1024;
/** As in `docs/format.md`. */
const SEGMENT_HEADER_SIZE = 256;
const BATCH_HEADER_SIZE = 128;
const BATCH_LENGTH_OFFSET = 16;

const ROWS = 24;
const RANKS = 3;
const NOTE_LENGTH = 900;

const seats = defineTable({
  table: 'seats',
  fields: {
    seat_no: { type: 'uint32', index: 'unique' },
    rank: { type: 'uint16', index: 'non_unique' },
    price: { type: 'accounting_numeric', scale: 2, index: 'ordered' },
    buyer: { type: 'fixed_string', length: 16, required: false },
    note: { type: 'fixed_string', length: NOTE_LENGTH, required: false },
  },
});

const seatsAltered = defineTable({
  table: 'seats',
  version: 2,
  fields: {
    seat_no: { type: 'uint32', index: 'unique' },
    rank: { type: 'uint16', index: 'non_unique' },
    price: { type: 'accounting_numeric', scale: 2, index: 'ordered' },
    buyer: { type: 'fixed_string', length: 16, required: false },
    note: { type: 'fixed_string', length: NOTE_LENGTH, required: false },
    gate: { type: 'uint16', index: 'ordered', default: 7 },
  },
});

/** A database as its files were left. */
export interface Subject {
  readonly name: string;
  readonly files: Files;
  /** What it shows. */
  readonly model: string;
  /** What it shows without its last batch, where that batch cannot be told from a torn write when it is damaged. */
  readonly modelBefore: string | undefined;
  /** The bytes of the last batch. */
  readonly lastBatch: { readonly file: string; readonly start: number; readonly end: number };
  /** Where the batches of each segment end. */
  readonly ends: ReadonlyMap<string, number>;
  /** What `verify` counts in it. */
  readonly report: string;
  readonly options: OpenOptions;
}

interface Kind {
  readonly name: string;
  readonly isKilled: boolean;
  /** How often every other row is replaced. */
  readonly rounds: number;
  readonly options: OpenOptions;
}

const KINDS: readonly Kind[] = [
  { name: 'closed', isKilled: false, rounds: 9, options: { checkpointBytes: 0 } },
  { name: 'killed', isKilled: true, rounds: 9, options: { checkpointBytes: 0 } },
  {
    name: 'compacted, with a checkpoint',
    isKilled: false,
    rounds: 30,
    options: { checkpointBytes: SEGMENT_SIZE_BYTES, history: 'latest', operationWindow: 8 },
  },
];

/** Makes every subject anew; they are the same each time. */
export async function makeSubjects(): Promise<Subject[]> {
  return Promise.all(KINDS.map(makeSubject));
}

/** Opens a database over files that it may change. */
export function openFiles(files: Files, options: OpenOptions): Promise<EmbeddedDatabase> {
  return openDatabase('/memory', { ...options, io: new MemoryIo(files), clock: new MemoryClock(), random: new SeededRandom(7) });
}

/** A copy that can be changed. */
export function copyOf(files: Files): Files {
  return new Map([...files].map(([name, bytes]) => [name, Uint8Array.from(bytes)]));
}

/**
 * Everything that a database shows: its tables, rows, versions, counts and operations.
 *
 * @throws {KLaniError} where something cannot be read
 */
export async function shown(database: EmbeddedDatabase): Promise<string> {
  const parts: unknown[] = [];
  for (const { name, liveRows, schemaVersion } of database.listTables()) {
    const table = await database.openTable(name);
    parts.push(name, liveRows, schemaVersion, table.schema, [...table.scan()]);
    for (let rank = 0; rank < RANKS; rank += 1) parts.push(table.queryIntersect([{ field: 'rank', eq: rank }], { limit: 0 }));
    for (let rowId = 1; rowId <= ROWS; rowId += 1) parts.push(versionsOf(() => table.history(rowId)));
    parts.push(table.count([{ field: 'price', gte: '20.00' }]), table.seekByField('seat_no', 17));
  }
  for (let number = 0; number < ROWS; number += 1) parts.push(await database.operationStatus(operationId(number)));
  return JSON.stringify(parts, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

/** The versions that are kept; where older ones were given up, that is said. */
function versionsOf(read: () => readonly unknown[]): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof KLaniError && error.code === 'Truncated') return 'truncated';
    throw error;
  }
}

async function makeSubject({ name, isKilled, rounds, options }: Kind): Promise<Subject> {
  const files: Files = new Map();
  const database = await openFiles(files, { ...options, segmentSizeBytes: SEGMENT_SIZE_BYTES });
  await fill(database, rounds);
  if (!isKilled) await database.close();
  const kept = copyOf(files);
  if (isKilled) await database.close();
  const { lastBatch, position, report, ends } = lookedAt(kept);
  return {
    name,
    files: kept,
    model: await modelOf(kept, options),
    modelBefore: isKilled ? await modelOf(without(kept, lastBatch), options) : undefined,
    lastBatch: {
      ...lastBatch,
      start: lastBatch.start + (position % SEGMENT_SIZE_BYTES === SEGMENT_HEADER_SIZE ? -SEGMENT_HEADER_SIZE : 0),
    },
    ends,
    report,
    options,
  };
}

/** Every kind of record, over several segments. */
async function fill(database: EmbeddedDatabase, rounds: number): Promise<void> {
  const table = await database.table(seats);
  const note = 'x'.repeat(NOTE_LENGTH);
  const rowOf = (number: number) => ({ seat_no: number, rank: number % RANKS, price: `${number}.50`, note });
  await database.batch((batch) => {
    for (let number = 0; number < ROWS / 2; number += 1) batch.append(table, rowOf(number));
  });
  for (let number = ROWS / 2; number < ROWS; number += 1) await table.append(rowOf(number), { operationId: operationId(number) });
  for (let round = 0; round < rounds; round += 1) {
    await database.batch((batch) => {
      for (let rowId = 2; rowId <= ROWS; rowId += 2) {
        batch.replace(table, rowId, { ...rowOf(rowId - 1), buyer: `b${round}` }, { ifVersion: round + 1 });
      }
    });
  }
  const altered = await database.alterTable(seatsAltered);
  const lock = await altered.tryLock(1);
  if (lock === undefined) throw new Error('the row is free');
  await lock.replaceAndUnlock({ ...rowOf(0), buyer: 'lock', gate: 2 });
  for (let rowId = 3; rowId < 20; rowId += 4) await altered.delete(rowId, { ifVersion: 1 });
  await altered.claim({ where: [{ field: 'rank', eq: 1 }], set: { buyer: 'claimed' }, count: 3 }, { operationId: operationId(0) });
  await database.checkpoint();
  await altered.append({ ...rowOf(ROWS), gate: 3 });
}

function operationId(number: number): string {
  return `5e1f${String(number).padStart(28, '0')}`;
}

async function modelOf(files: Files, options: OpenOptions): Promise<string> {
  await using database = await openFiles(copyOf(files), options);
  return await shown(database);
}

/** What is in the files of a subject, as `verify` sees it. */
function lookedAt(files: Files): { lastBatch: Subject['lastBatch']; position: number; report: string; ends: Map<string, number> } {
  const { tornBytes, ...rest } = verifyLog('/memory', { io: new MemoryIo(copyOf(files)) });
  if (tornBytes > 0) throw new Error('a subject is whole');
  const { position } = parseAnchor(rest.anchor ?? '');
  const file = segmentName(Math.floor(position / SEGMENT_SIZE_BYTES));
  const start = position % SEGMENT_SIZE_BYTES;
  const ends = new Map([...files].filter(([name]) => name.endsWith('.segment')).map(([name, bytes]) => [name, endOfBatches(bytes)]));
  return { lastBatch: { file, start, end: ends.get(file) ?? 0 }, position, report: JSON.stringify(rest), ends };
}

/** Where the batches of a segment end; 0 for one that has not begun. */
function endOfBatches(bytes: Uint8Array): number {
  if (bytes[0] === 0) return 0;
  const view = new DataView(bytes.buffer);
  let end = SEGMENT_HEADER_SIZE;
  while (end + BATCH_HEADER_SIZE <= bytes.length && view.getUint32(end, true) !== 0) end += view.getUint32(end + BATCH_LENGTH_OFFSET, true);
  return end;
}

function without(files: Files, { file, start, end }: Subject['lastBatch']): Files {
  const copy = copyOf(files);
  copy.get(file)?.fill(0, start, end);
  return copy;
}
