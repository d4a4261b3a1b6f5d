/**
 * The truth about the log, from the bytes that were written to the simulated disk. It reads them by the format alone (docs/format.md) and uses
 * nothing of the engine's own reading.
 *
 * 1. A batch counts once it is written whole. When a later process says in its first batch where the log ends, what lies behind that place was
 *    lost: whether it may be lost is for the checkers to say.
 * 2. Written bytes never change: a batch that is written again where one counts must be the same, byte for byte.
 * 3. Nobody writes a batch whose records do not match the hash in its header; such a one does not count.
 */
import { hash } from 'node:crypto';
import { type RowLayout, decodeRow, decodeSchema, rowLayoutOf } from '@k-lani/protocol';
import type { DiskWatcher } from '../disk/disk.ts';
import type { Row } from './call.ts';

const SEGMENT_HEADER_BYTES = 256;
const BATCH_HEADER_BYTES = 128;
const RECORDS_HASH_OFFSET = 64;
const RECORDS_HASH_BYTES = 32;
const BATCH_MAGIC = 0x41424c4b;
const RECORD_HEADER_BYTES = 96;
const FIRST_SEGMENT_OFFSET = 32;
const KINDS = ['', 'append', 'replace', 'delete', 'schema', 'mark', 'row ids'] as const;

/** Of a record's flags: the record was moved, as it was, from a segment that was given up. */
const FLAG_MOVED = 2;
const LSN_OFFSET = 24;
/** From here to its end a moved record is what it was. */
const KEPT_OFFSET = 10;

type TrueKind = (typeof KINDS)[number];

/** One record as it was written. */
export interface TrueRecord {
  readonly kind: TrueKind;
  readonly lsn: number;
  /** Position behind it. */
  readonly end: number;
  readonly table: string;
  readonly rowId: number;
  readonly version: number;
  readonly previous: number;
  readonly operationId: string;
  readonly token: bigint;
  /** With the fields of the schema that it was written in; `undefined` for what has no row. */
  readonly row: Row | undefined;
  readonly batch: TrueBatch;
}

/** One batch as it was written. */
export interface TrueBatch {
  readonly position: number;
  readonly end: number;
  /** Milliseconds since 1970, UTC, as it says. */
  readonly timeMs: number;
  readonly records: TrueRecord[];
  readonly bytes: Uint8Array;
  /** When it was written, as an order of events. */
  readonly writtenOrder: number;
  /** In which it was written last. */
  life: number;
  /** A sync that covers it has returned in that life. */
  isSynced: boolean;
  /** When it turned out not to be in the log any more. */
  lostOrder: number;
}

/** That segments were given up: the log begins later. */
export interface TrueBeginning {
  readonly order: number;
  /** By the clock of the process that gave them up. */
  readonly wallMs: number;
  /** Where the log begins from then on. */
  readonly position: number;
}

export class LogTruth implements DiskWatcher {
  /** The batches that count, oldest first. */
  readonly batches: TrueBatch[] = [];
  /** Those that were written whole and are not in the log any more. */
  readonly lost: TrueBatch[] = [];
  /** What contradicts the rules of the log. */
  readonly breaches: string[] = [];
  /** Where records stand that were moved out of segments given up → their lsn. */
  readonly moved = new Map<number, number>();
  /** Each time that segments were given up. */
  readonly beginnings: TrueBeginning[] = [];
  readonly #order: () => number;
  readonly #layouts = new Map<number, Map<number, RowLayout>>();
  readonly #names = new Map<number, string>();

  readonly #directory: string;
  readonly #segmentSizeBytes: number;
  #life = 0;

  /** @param order the order of the event that happens */
  constructor(log: { directory: string; segmentSizeBytes: number }, order: () => number) {
    this.#directory = log.directory;
    this.#segmentSizeBytes = log.segmentSizeBytes;
    this.#order = order;
  }

  /** The records that count, oldest first. */
  get records(): readonly TrueRecord[] {
    return this.batches.flatMap((batch) => batch.records);
  }

  /** Where the log begins. */
  get begin(): number {
    return this.beginnings.at(-1)?.position ?? 0;
  }

  /** The position behind the last batch. */
  get end(): number {
    return this.batches.at(-1)?.end ?? 0;
  }

  /** Another process begins: what the one before had written and not synced may be gone. */
  beginLife(): void {
    this.#life += 1;
  }

  wrote(path: string, position: number, bytes: Uint8Array): void {
    if (this.#segmentIndex(path) === undefined) return;
    const start = position === 0 ? SEGMENT_HEADER_BYTES : 0;
    if (bytes.length < start + BATCH_HEADER_BYTES) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isBatch = view.getUint32(start, true) === BATCH_MAGIC;
    if (isBatch && view.getUint32(start + 16, true) === bytes.length - start) this.#take(bytes.slice(start));
  }

  synced(path: string): void {
    const index = this.#segmentIndex(path);
    for (let place = this.batches.length - 1; place >= 0; place -= 1) {
      const batch = this.batches[place] as TrueBatch;
      if (batch.isSynced) break;
      if (batch.life === this.#life && this.#segmentOf(batch.position) === index) batch.isSynced = true;
    }
  }

  renamed(path: string, bytes: Uint8Array, wallMs: number): void {
    if (path !== `${this.#directory}/manifest`) return;
    const firstSegment = new DataView(bytes.buffer, bytes.byteOffset).getUint32(FIRST_SEGMENT_OFFSET, true);
    this.beginnings.push({ order: this.#order(), wallMs, position: firstSegment * this.#segmentSizeBytes });
  }

  /** The index of a segment of this log; other files are not of it. */
  #segmentIndex(path: string): number | undefined {
    const digits = path.startsWith(this.#directory) ? /^\/(\d{10})\.segment$/.exec(path.slice(this.#directory.length))?.[1] : undefined;
    return digits === undefined ? undefined : Number(digits);
  }

  #segmentOf(position: number): number {
    return Math.floor(position / this.#segmentSizeBytes);
  }

  #take(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer);
    const position = u64(view, 8);
    const logEnd = u64(view, 48);
    const known = this.batches.findLast((batch) => batch.position <= position);
    if (known?.position === position && equalBytes(known.bytes, bytes)) {
      known.life = this.#life;
      return;
    }
    const recordsHash = bytes.subarray(RECORDS_HASH_OFFSET, RECORDS_HASH_OFFSET + RECORDS_HASH_BYTES);
    if (hash('sha256', bytes.subarray(BATCH_HEADER_BYTES), 'hex') !== Buffer.from(recordsHash).toString('hex')) {
      this.breaches.push(`a batch was written at ${position} whose records do not match the hash in its header`);
      return;
    }
    while ((this.batches.at(-1)?.position ?? -1) >= logEnd) this.#lose(this.batches.pop() as TrueBatch);
    if (this.end > position) this.breaches.push(`a batch was written at ${position}, inside of one that counts`);
    const batch: TrueBatch = {
      position,
      end: position + bytes.length,
      timeMs: u64(view, 24),
      records: [],
      bytes,
      writtenOrder: this.#order(),
      life: this.#life,
      isSynced: false,
      lostOrder: Infinity,
    };
    for (let at = BATCH_HEADER_BYTES; at < bytes.length; at += view.getUint32(at, true)) {
      const isMoved = (view.getUint8(at + 9) & FLAG_MOVED) !== 0;
      if (isMoved) this.#compareMoved(bytes.subarray(at, at + view.getUint32(at, true)), batch.position + at);
      else batch.records.push(this.#record(bytes, view, at, batch));
    }
    this.batches.push(batch);
  }

  /** A record that was moved is what it was, but for its place, flags and checksum. */
  #compareMoved(moved: Uint8Array, place: number): void {
    const lsn = u64(new DataView(moved.buffer, moved.byteOffset), LSN_OFFSET);
    const home = this.batches.findLast(({ position }) => position <= lsn);
    const at = lsn - (home?.position ?? lsn);
    const original = home?.bytes.subarray(at, at + moved.length);
    const isSame = original !== undefined && equalBytes(original.subarray(KEPT_OFFSET), moved.subarray(KEPT_OFFSET));
    this.moved.set(place, lsn);
    if (!isSame) this.breaches.push(`the record of lsn ${lsn} was moved, and is not what it was`);
  }

  #lose(batch: TrueBatch): void {
    batch.lostOrder = this.#order();
    this.lost.push(batch);
  }

  #record(bytes: Uint8Array, view: DataView, at: number, batch: TrueBatch): TrueRecord {
    const tableId = view.getUint16(at + 10, true);
    const kind = KINDS[view.getUint8(at + 8)] ?? '';
    const body = at + RECORD_HEADER_BYTES;
    const bodyLength = view.getUint32(at + 88, true);
    if (kind === 'schema') this.#learn(tableId, new TextDecoder().decode(bytes.subarray(body, body + bodyLength)));
    const layout = this.#layouts.get(tableId)?.get(view.getUint32(at + 80, true));
    const hasRow = kind === 'append' || kind === 'replace';
    return {
      kind,
      lsn: u64(view, at + 24),
      end: batch.position + at + view.getUint32(at, true),
      table: this.#names.get(tableId) ?? '',
      rowId: u64(view, at + 16),
      version: view.getUint32(at + 12, true),
      previous: u64(view, at + 32),
      operationId: Buffer.from(bytes.subarray(at + 48, at + 64)).toString('hex'),
      token: view.getBigUint64(at + 72, true),
      row: hasRow && layout !== undefined ? (decodeRow(layout, bytes, view, body, bodyLength) as Row) : undefined,
      batch,
    };
  }

  #learn(tableId: number, json: string): void {
    const schema = decodeSchema(JSON.parse(json));
    const layouts = this.#layouts.get(tableId) ?? new Map<number, RowLayout>();
    layouts.set(schema.version, rowLayoutOf(schema));
    this.#layouts.set(tableId, layouts);
    this.#names.set(tableId, schema.table);
  }
}

function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}
