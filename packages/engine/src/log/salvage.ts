/**
 * Salvage: reads whatever is intact in the segments of a damaged log, and tells what is not. Where recovery stops, this goes on.
 *
 * 1. A record counts when it matches its checksum, stands where it says (unless it was moved), and lies in a batch: one whose header is whole,
 *    or one whose header is damaged and whose beginning and end are known from its neighbours.
 * 2. Nothing is searched for inside of what a client may have written. A batch header is known by the salt of its segment; within a batch
 *    records are found by the lengths of those before them, or, where one length is damaged, by the one place from which the rest of the batch
 *    comes out in length and in number.
 * 3. What only a last, unproven write could have left is no part of the log, as for recovery: it is told, and not taken.
 * 4. What a later segment proves to have been there, and is zeros or is missing, is lost. Where only the end of a segment behind it is known,
 *    the zeros at a segment's end are its ordinary end.
 * 5. Nothing is written.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import {
  BATCH_HEADER_SIZE,
  BATCH_MAGIC,
  batchSalt,
  decodeBatchHeader,
  nextSalt,
  recordsMatchHash,
  sha256,
  type BatchHeader,
} from './batch.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { RECORD_HEADER_SIZE, RecordOffset, isMoved, isRecordIntact, readU64, type RecordTarget } from './record.ts';
import { SEGMENT_HEADER_SIZE, checkSegmentSize, decodeSegmentHeader, segmentIndexOf, segmentName, type SegmentHeader } from './segment.ts';

/** What the header of a damaged record says; it may be what is damaged. */
interface DamagedRecord {
  readonly tableId: number;
  readonly rowId: number;
  readonly version: number;
}

/** Bytes of the log that are lost. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly what: string;
  /** Bytes of it of which nothing tells what rows they held. */
  readonly unknownBytes: number;
  readonly record: DamagedRecord | undefined;
}

/** Receives each intact record, in the order of the log; valid during the call. */
export type SalvageVisitor = (record: { source: RecordTarget; at: number; position: number }) => void;

/** What can be told of a log from the outsides of its files. */
export interface Survey {
  /** `undefined` where nothing tells it any more. */
  readonly databaseId: Uint8Array | undefined;
  readonly segmentSizeBytes: number;
  readonly manifest: Manifest | undefined;
  readonly files: readonly SurveyedFile[];
  /** What is wrong with the set of files. */
  readonly damage: readonly Damage[];
}

interface SurveyedFile {
  readonly index: number;
  readonly sizeBytes: number;
  readonly header: SegmentHeader | undefined;
  /** Position where the log before the segment ends, if the segment can still tell. */
  readonly previousEnd: number | undefined;
}

/** What was read from the batches. */
export interface Salvaged {
  /** Behind the last batch whose header is whole, its hash, and what it says; `undefined` when there is none. */
  readonly last: { readonly header: BatchHeader; readonly hash: Uint8Array } | undefined;
  readonly epochMax: number;
  readonly batchCount: number;
  readonly damage: readonly Damage[];
}

/** A batch, or what is left of one: its records are within `[start, end)`. */
interface Extent {
  readonly start: number;
  readonly end: number;
  /** `undefined` where the header is damaged. */
  readonly recordCount: number | undefined;
  /** That it ended somewhere before `end`, where zeros begin. */
  readonly isOpenEnded: boolean;
}

/**
 * Looks at the files of a log.
 *
 * @throws {KLaniError} NotFound where there is no segment; InvalidArgument where none has a size that segments have; FormatUnsupported; Io
 */
export function survey(directory: Directory): Survey {
  const damage: Damage[] = [];
  const manifest = manifestOf(directory, damage);
  const names = directory.list().flatMap((name) => segmentIndexOf(name) ?? []);
  const indexes = names.filter((index) => index >= (manifest?.firstSegment ?? 1)).toSorted((a, b) => a - b);
  const peeked = indexes.map((index) => ({ index, ...peek(directory, index) }));
  const headers = peeked.flatMap(({ header }) => header ?? []);
  const segmentSizeBytes = mostFrequent(headers.length > 0 ? headers.map((one) => one.sizeBytes) : peeked.map((one) => one.sizeBytes));
  const idOfHeaders = mostFrequent(headers.map((one) => Buffer.from(one.databaseId).toString('hex')));
  const databaseId = idOfHeaders === undefined ? manifest?.databaseId : Buffer.from(idOfHeaders, 'hex');
  if (segmentSizeBytes === undefined) throw new KLaniError('NotFound', `Cannot repair ${directory.path}: no segment is in it`);
  checkSegmentSize(segmentSizeBytes);
  const files = peeked.filter(({ index, header }) => {
    const isForeign = header !== undefined && Buffer.compare(header.databaseId, databaseId ?? header.databaseId) !== 0;
    if (isForeign) damage.push(lost(index, 0, segmentSizeBytes, 'the segment belongs to another database'));
    return !isForeign;
  });
  damage.push(...missing(files, { first: manifest?.firstSegment ?? 1, segmentSizeBytes }));
  return { databaseId, segmentSizeBytes, manifest, files, damage };
}

/** Reads the segments that were surveyed; `progress` is told after each. */
export function salvage(
  directory: Directory,
  surveyed: Survey,
  options: { visit: SalvageVisitor; progress?: ((doneBytes: number, totalBytes: number) => void) | undefined },
): Salvaged {
  const reader = new SalvageReader(directory, surveyed, options.visit);
  for (const [place, file] of surveyed.files.entries()) {
    reader.read(file, place);
    options.progress?.((place + 1) * surveyed.segmentSizeBytes, surveyed.files.length * surveyed.segmentSizeBytes);
  }
  return reader;
}

class SalvageReader implements Salvaged, RecordTarget {
  bytes: Uint8Array;
  view: DataView;
  last: Salvaged['last'];
  epochMax = 0;
  batchCount = 0;
  readonly damage: Damage[] = [];
  readonly #directory: Directory;
  readonly #survey: Survey;
  readonly #visit: SalvageVisitor;
  #index = 0;
  #salt: Uint8Array | undefined;

  constructor(directory: Directory, surveyed: Survey, visit: SalvageVisitor) {
    this.#directory = directory;
    this.#survey = surveyed;
    this.#visit = visit;
    this.bytes = new Uint8Array(surveyed.segmentSizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  read(file: SurveyedFile, place: number): void {
    const { segmentSizeBytes, files } = this.#survey;
    this.#load(file);
    const usedEnd = this.#usedEnd(0);
    const logEnd = files.slice(place + 1).find((later) => later.previousEnd !== undefined)?.previousEnd ?? 0;
    const proven = Math.max(0, logEnd - file.index * segmentSizeBytes);
    const isProven = proven > SEGMENT_HEADER_SIZE;
    if (file.sizeBytes < segmentSizeBytes) this.#lose(file.sizeBytes, segmentSizeBytes - file.sizeBytes, 'the file is cut off');
    if (file.sizeBytes > segmentSizeBytes) this.#loseNone(segmentSizeBytes, file.sizeBytes - segmentSizeBytes, 'the file is too long');
    if (usedEnd === 0) {
      const length = isProven ? Math.min(proven, file.sizeBytes, segmentSizeBytes) : 0;
      if (length > 0) this.#lose(0, length, 'the segment is empty');
      return;
    }
    this.#salt = this.#saltOf(file);
    if (this.#salt === undefined) {
      const what = isProven ? 'neither the segment header nor its first batch header is whole' : UNPROVEN;
      this.#lose(0, proven > segmentSizeBytes ? usedEnd : Math.max(usedEnd, proven), what);
      return;
    }
    if (file.header === undefined) this.#loseNone(0, SEGMENT_HEADER_SIZE, 'the segment header is not whole');
    this.#readBatches(proven);
  }

  /** @param proven offset before which all is known to have been durable, from what later segments say; in a later one where that is lost */
  #readBatches(proven: number): void {
    const provenEnd = Math.min(proven, this.bytes.length);
    const isOpenEnded = proven > this.bytes.length;
    let offset = SEGMENT_HEADER_SIZE;
    while (offset + BATCH_HEADER_SIZE <= this.bytes.length) {
      const header = this.#headerAt(offset);
      const next = header === undefined ? this.#findHeader(offset + 8) : undefined;
      if (header !== undefined) {
        this.#readBatch(offset, header, provenEnd);
        offset += header.length;
      } else if (next !== undefined || (isOpenEnded ? this.#usedEnd(offset) : provenEnd) > offset) {
        const end = next ?? provenEnd;
        this.#loseNone(offset, Math.min(BATCH_HEADER_SIZE, end - offset), 'a batch header is not whole');
        const start = offset + BATCH_HEADER_SIZE;
        if (end > start) this.#readRecords({ start, end, recordCount: undefined, isOpenEnded: isOpenEnded && next === undefined });
        offset = end;
      } else {
        const usedEnd = this.#usedEnd(offset);
        if (usedEnd > offset) this.#lose(offset, usedEnd - offset, UNPROVEN);
        return;
      }
    }
  }

  #readBatch(offset: number, header: BatchHeader, provenEnd: number): void {
    const end = offset + header.length;
    const hash = sha256(this.bytes, offset, offset + BATCH_HEADER_SIZE);
    const start = offset + BATCH_HEADER_SIZE;
    const isWhole = recordsMatchHash(this.bytes, offset, header.length);
    if (!isWhole && provenEnd < end && this.#findHeader(end) === undefined) {
      this.#lose(offset, header.length, UNPROVEN);
      return;
    }
    this.last = { header, hash };
    this.epochMax = Math.max(this.epochMax, header.epoch);
    this.batchCount += 1;
    this.#readRecords({ start, end, recordCount: header.recordCount, isOpenEnded: false });
  }

  /** Visits the intact records of a batch. */
  #readRecords({ start, end, recordCount, isOpenEnded }: Extent): void {
    const byLength = this.#chain(start, end);
    if (byLength !== undefined && (recordCount === undefined || byLength.length === recordCount)) {
      for (const at of byLength) this.#take(at, end);
      return;
    }
    let at = start;
    let count = 0;
    for (; this.#isIntact(at, end); at += this.view.getUint32(at, true)) {
      this.#take(at, end);
      count += 1;
    }
    const rest = recordCount === undefined ? undefined : this.#findRest(at + 8, end, recordCount - count - 1);
    const lostEnd = rest?.[0] ?? (isOpenEnded ? this.#usedEnd(at) : end);
    if (isOpenEnded && lostEnd === 0) return;
    const isOne = rest !== undefined || recordCount === count + 1;
    const what = 'a record is damaged, and so is its length';
    this.#loseRecord(at, lostEnd - at, { what, unknownBytes: isOne ? 0 : lostEnd - at });
    for (const one of rest ?? []) this.#take(one, end);
  }

  #take(at: number, end: number): void {
    if (this.#isIntact(at, end)) this.#visit({ source: this, at, position: this.#index * this.bytes.length + at });
    else this.#loseRecord(at, this.view.getUint32(at, true), { what: 'a record does not match its checksum', unknownBytes: 0 });
  }

  #isIntact(at: number, end: number): boolean {
    if (!isRecordIntact(this, at, end)) return false;
    const lsn = readU64(this.view, at + RecordOffset.lsn);
    const position = this.#index * this.bytes.length + at;
    return isMoved(this.view, at) ? lsn < position : lsn === position;
  }

  /** Where the records from `start` stand by their lengths, if those come out at `end`. */
  #chain(start: number, end: number): number[] | undefined {
    const places: number[] = [];
    let at = start;
    while (at < end) {
      const length = at + RECORD_HEADER_SIZE <= end ? this.view.getUint32(at, true) : 0;
      if (length < RECORD_HEADER_SIZE || (length & 7) !== 0) return undefined;
      places.push(at);
      at += length;
    }
    return at === end ? places : undefined;
  }

  /** The last `count` records of a batch, all of them intact, from the first place at or behind `from` that they can begin at. */
  #findRest(from: number, end: number, count: number): number[] | undefined {
    if (count === 0) return undefined;
    for (let at = from; at + RECORD_HEADER_SIZE <= end; at += 8) {
      if (!this.#isIntact(at, end)) continue;
      const places = this.#chain(at, end);
      if (places?.length === count && places.every((place) => this.#isIntact(place, end))) return places;
    }
    return undefined;
  }

  /** The batch header at `offset`, if it is whole and what it covers lies within the segment. */
  #headerAt(offset: number): BatchHeader | undefined {
    const position = this.#index * this.bytes.length + offset;
    const header = decodeBatchHeader(this, offset, { position, salt: this.#salt });
    return header !== undefined && header.length >= BATCH_HEADER_SIZE && offset + header.length <= this.bytes.length ? header : undefined;
  }

  #findHeader(from: number): number | undefined {
    for (let at = (from + 7) & ~7; at + BATCH_HEADER_SIZE <= this.bytes.length; at += 8) {
      if (this.view.getUint32(at, true) === BATCH_MAGIC && this.#headerAt(at) !== undefined) return at;
    }
    return undefined;
  }

  /** What the segment's batch headers repeat: told by its header, by its first batch, or by the segment before. */
  #saltOf({ header, index }: SurveyedFile): Uint8Array | undefined {
    if (header !== undefined) return header.salt;
    const position = index * this.bytes.length + SEGMENT_HEADER_SIZE;
    const first = decodeBatchHeader(this, SEGMENT_HEADER_SIZE, { position, salt: undefined });
    if (first !== undefined) return batchSalt(this.bytes, SEGMENT_HEADER_SIZE);
    const isBehindLast = this.last !== undefined && Math.floor(this.last.header.position / this.bytes.length) === index - 1;
    return isBehindLast && this.#salt !== undefined && this.last !== undefined ? nextSalt(this.#salt, this.last.hash) : undefined;
  }

  #load({ index }: SurveyedFile): void {
    const file = this.#directory.openFile(segmentName(index), 'read');
    try {
      const length = file.read(this.bytes, 0);
      this.bytes.fill(0, length);
      this.#index = index;
    } finally {
      file.close();
    }
  }

  /** Offset behind the last byte from `offset` on that is not zero; 0 when there is none. */
  #usedEnd(offset: number): number {
    let end = this.bytes.length;
    while (end - 4 >= offset && this.view.getUint32(end - 4, true) === 0) end -= 4;
    return end > offset ? end : 0;
  }

  #lose(offset: number, length: number, what: string): void {
    this.damage.push(lost(this.#index, offset, length, what));
  }

  /** Of bytes that held no record. */
  #loseNone(offset: number, length: number, what: string): void {
    this.damage.push({ ...lost(this.#index, offset, length, what), unknownBytes: 0 });
  }

  #loseRecord(at: number, length: number, { what, unknownBytes }: Pick<Damage, 'what' | 'unknownBytes'>): void {
    if (at + RECORD_HEADER_SIZE > this.bytes.length) {
      this.#lose(at, length, what);
      return;
    }
    const { view } = this;
    const record = {
      tableId: view.getUint16(at + RecordOffset.tableId, true),
      rowId: view.getUint32(at + RecordOffset.rowId, true),
      version: view.getUint32(at + RecordOffset.version, true),
    };
    this.damage.push({ ...lost(this.#index, at, length, what), unknownBytes, record });
  }
}

const UNPROVEN = 'what stands behind the last batch was cut short, and nobody was answered; or it is damaged';

function lost(index: number, offset: number, length: number, what: string): Damage {
  return { file: segmentName(index), offset, length, what, unknownBytes: length, record: undefined };
}

function manifestOf(directory: Directory, damage: Damage[]): Manifest | undefined {
  try {
    return readManifest(directory);
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'Damaged') throw error;
    damage.push({ file: 'manifest', offset: 0, length: 0, what: 'the manifest is not whole', unknownBytes: 0, record: undefined });
    return undefined;
  }
}

/** What the beginning of a segment tells. */
function peek(directory: Directory, index: number): Omit<SurveyedFile, 'index'> {
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const sizeBytes = file.sizeBytes();
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE);
    file.read(bytes, 0);
    const header = decodeSegmentHeader(bytes, file.path);
    if (header !== undefined) return { sizeBytes, header, previousEnd: header.previousEnd };
    const source = { bytes, view: new DataView(bytes.buffer) };
    const first = decodeBatchHeader(source, SEGMENT_HEADER_SIZE, { position: index * sizeBytes + SEGMENT_HEADER_SIZE, salt: undefined });
    return { sizeBytes, header, previousEnd: first?.durable };
  } finally {
    file.close();
  }
}

/** Segments that are not there although others tell of them. */
function missing(files: readonly SurveyedFile[], log: { first: number; segmentSizeBytes: number }): Damage[] {
  const there = new Set(files.map(({ index }) => index));
  const damage: Damage[] = [];
  for (let index = log.first; index < (files.at(-1)?.index ?? 0); index += 1) {
    if (!there.has(index)) damage.push(lost(index, 0, log.segmentSizeBytes, 'the segment is missing'));
  }
  return damage;
}

function mostFrequent<Value>(values: readonly Value[]): Value | undefined {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
