/**
 * Salvage: reads whatever is intact in the segments of a damaged log, and tells what is not. Where recovery stops, this goes on.
 *
 * 1. A record counts when it matches its checksum, stands where it says (unless it was moved), and lies in a batch: one whose header is whole,
 *    or one whose header is damaged and whose beginning and end are known from its neighbours.
 * 2. Nothing is searched for inside of what a client may have written. A batch header is known by the salt of its segment; within a batch
 *    records are found by the lengths of those before them, or, where one length is damaged, by the one place from which the rest of the batch
 *    comes out in length and in number.
 * 3. What only a last, unproven write could have left is no part of the log, as for recovery: it is told, and not taken.
 * 4. What is proven to have been there (`survey.ts`), and is zeros or is missing, is lost. Where only the end of a segment behind it is known,
 *    the zeros at a segment's end are its ordinary end.
 * 5. Nothing is written.
 */
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
import { RECORD_HEADER_SIZE, RecordOffset, isMoved, isRecordIntact, readU64, type RecordTarget } from './record.ts';
import { SEGMENT_HEADER_SIZE, segmentName } from './segment.ts';
import { lost, type Damage, type Survey, type SurveyedFile } from './survey.ts';

/** Receives each intact record, in the order of the log; valid during the call. */
export type SalvageVisitor = (record: { source: RecordTarget; at: number; position: number }) => void;

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
  /** That it may have ended anywhere before `end`, where zeros begin. */
  readonly isOpenEnded: boolean;
}

/** Reads the segments that were surveyed; `progress` is told after each. */
export function salvage(
  directory: Directory,
  surveyed: Survey,
  options: { visit: SalvageVisitor; progress?: ((doneBytes: number, totalBytes: number) => void) | undefined },
): Salvaged {
  const reader = new SalvageReader(directory, surveyed, options.visit);
  for (const [place, file] of surveyed.files.entries()) {
    reader.read(file);
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
  /** Bytes of the file, of those that it should have. */
  #sizeBytes = 0;
  #proven: SurveyedFile['proven'] = { end: 0, behind: 'unknown' };
  #salt: Uint8Array | undefined;

  constructor(directory: Directory, surveyed: Survey, visit: SalvageVisitor) {
    this.#directory = directory;
    this.#survey = surveyed;
    this.#visit = visit;
    this.bytes = new Uint8Array(surveyed.segmentSizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  read(file: SurveyedFile): void {
    const { segmentSizeBytes } = this.#survey;
    this.#load(file);
    const usedEnd = this.#usedEnd(0);
    const isProven = this.#proven.end > 0;
    if (file.sizeBytes < segmentSizeBytes) this.#lose(file.sizeBytes, segmentSizeBytes - file.sizeBytes, 'the file is cut off');
    if (file.sizeBytes > segmentSizeBytes) this.#loseNone(segmentSizeBytes, file.sizeBytes - segmentSizeBytes, 'the file is too long');
    if (usedEnd === 0) {
      const lostEnd = this.#proven.behind === 'used' ? this.#sizeBytes : this.#lostEnd(0);
      if (lostEnd > 0) this.#lose(0, lostEnd, 'the segment is empty');
      return;
    }
    this.#salt = this.#saltOf(file);
    if (this.#salt === undefined) {
      const what = isProven ? 'neither the segment header nor its first batch header is whole' : UNPROVEN;
      this.#lose(0, Math.max(usedEnd, this.#lostEnd(0)), what);
      return;
    }
    if (file.header === undefined) this.#loseNone(0, SEGMENT_HEADER_SIZE, 'the segment header is not whole');
    this.#readBatches();
  }

  #readBatches(): void {
    let offset = SEGMENT_HEADER_SIZE;
    while (offset + BATCH_HEADER_SIZE <= this.bytes.length) {
      const header = this.#headerAt(offset);
      if (header !== undefined) {
        this.#readBatch(offset, header);
        offset += header.length;
        continue;
      }
      const next = this.#findHeader(offset + 8);
      const usedEnd = this.#usedEnd(offset);
      if (next === undefined && this.#lostEnd(offset) <= offset) {
        if (usedEnd > offset) this.#lose(offset, usedEnd - offset, UNPROVEN);
        return;
      }
      const isOpenEnded = next === undefined && this.#proven.behind !== 'nothing';
      // A record may end with zeros.
      const end = next ?? (isOpenEnded ? this.#sizeBytes : this.#lostEnd(offset));
      if (usedEnd === 0) this.#lose(offset, end - offset, 'batches that were here are zeros');
      else this.#readHeadless({ start: offset, end, recordCount: undefined, isOpenEnded });
      offset = end;
    }
  }

  /** Takes what is left of a batch that begins with a damaged header. */
  #readHeadless(batch: Extent): void {
    this.#loseNone(batch.start, Math.min(BATCH_HEADER_SIZE, batch.end - batch.start), 'a batch header is not whole');
    const start = batch.start + BATCH_HEADER_SIZE;
    if (batch.end > start) this.#readRecords({ ...batch, start });
  }

  #readBatch(offset: number, header: BatchHeader): void {
    const end = offset + header.length;
    const hash = sha256(this.bytes, offset, offset + BATCH_HEADER_SIZE);
    const start = offset + BATCH_HEADER_SIZE;
    const isWhole = recordsMatchHash(this.bytes, offset, header.length);
    const isProven = this.#proven.behind === 'used' || offset < this.#proven.end;
    if (!isWhole && !isProven && this.#findHeader(end) === undefined) {
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
    const lostEnd = rest?.[0] ?? (isOpenEnded ? Math.max(this.#lostEnd(at), this.#usedEnd(at)) : end);
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

  #load({ index, sizeBytes, proven }: SurveyedFile): void {
    const file = this.#directory.openFile(segmentName(index), 'read');
    try {
      const length = file.read(this.bytes, 0);
      this.bytes.fill(0, length);
      this.#index = index;
      this.#sizeBytes = Math.min(sizeBytes, this.bytes.length);
      this.#proven = proven;
    } finally {
      file.close();
    }
  }

  /** Offset before which what should stand from `offset` on is lost if it is not found there; not behind `offset` where nothing is proven. */
  #lostEnd(offset: number): number {
    const { end, behind } = this.#proven;
    if (behind === 'used') return this.#usedEnd(offset);
    if (behind === 'nothing') return Math.min(end, this.#sizeBytes);
    return offset < end ? this.#sizeBytes : 0;
  }

  /** Offset behind the last byte from `offset` on that is not zero; 0 when there is none. */
  #usedEnd(offset: number): number {
    let end = this.bytes.length;
    while (end - 4 >= offset && this.view.getUint32(end - 4, true) === 0) end -= 4;
    return end > offset ? end : 0;
  }

  #lose(offset: number, length: number, what: string): void {
    this.damage.push(lost(this.#index, { offset, length, what }));
  }

  /** Of bytes that held no record. */
  #loseNone(offset: number, length: number, what: string): void {
    this.damage.push({ ...lost(this.#index, { offset, length, what }), unknownBytes: 0 });
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
    this.damage.push({ ...lost(this.#index, { offset: at, length, what }), unknownBytes, record });
  }
}

const UNPROVEN = 'what stands behind the last batch was cut short, and nobody was answered; or it is damaged';
