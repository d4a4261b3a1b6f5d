/**
 * Reads a log that somebody else writes, as far as it is durable: views of segments are opened when they are first needed. One that was
 * opened is read on, though compaction has removed its file since, until `beginAt` says so.
 */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File, FileView } from '../io/io.ts';
import { RECORD_HEADER_SIZE, recordMatchesChecksum } from './record.ts';
import type { RecordSource } from './record-source.ts';
import { segmentName } from './segment.ts';

export class LogReader implements RecordSource {
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  readonly #directory: Directory;
  readonly #segmentSizeBytes: number;
  /** The first segment that is not read. */
  readonly #endSegment: number;
  /** By segment index. */
  readonly #views: (FileView | undefined)[] = [];
  #firstSegment = 0;

  /** @param endSegment the first segment that is not read */
  constructor(directory: Directory, segmentSizeBytes: number, endSegment = Infinity) {
    this.#directory = directory;
    this.#segmentSizeBytes = segmentSizeBytes;
    this.#endSegment = endSegment;
  }

  /** @throws {KLaniError} Truncated when the segment is no longer kept */
  locate(position: number, length: number): number {
    const segment = Math.floor(position / this.#segmentSizeBytes);
    const view = this.#views[segment] ?? this.#open(segment);
    const at = view.at(position - segment * this.#segmentSizeBytes, length);
    this.bytes = view.bytes;
    this.view = view.view;
    return at;
  }

  /** @throws {KLaniError} Truncated, ChecksumMismatch */
  record(position: number): number {
    const header = this.locate(position, RECORD_HEADER_SIZE);
    const length = this.view.getUint32(header, true);
    const offset = position % this.#segmentSizeBytes;
    const isPlausible = length >= RECORD_HEADER_SIZE && length <= this.#segmentSizeBytes - offset;
    const at = isPlausible ? this.locate(position, length) : 0;
    if (isPlausible && recordMatchesChecksum(this.view, at, length)) return at;
    const name = segmentName(Math.floor(position / this.#segmentSizeBytes));
    throw new KLaniError('ChecksumMismatch', `Cannot read record: ${name} is damaged at offset ${offset}`);
  }

  /** Whether a record that was at `position` is still there, as far as `beginAt` was told. */
  isKept(position: number): boolean {
    return position >= this.#firstSegment * this.#segmentSizeBytes;
  }

  /** Closes the views of segments before `firstSegment`, which begins the log now. */
  beginAt(firstSegment: number): void {
    for (let index = this.#firstSegment; index < firstSegment; index += 1) {
      this.#views[index]?.close();
      this.#views[index] = undefined;
    }
    this.#firstSegment = firstSegment;
  }

  /** Closes every view. */
  close(): void {
    for (const view of this.#views) view?.close();
    this.#views.length = 0;
  }

  #open(segment: number): FileView {
    assert(segment < this.#endSegment, 'Only segments before the end are read');
    if (segment < this.#firstSegment) throw givenUp(segment);
    const file = this.#openFile(segment);
    try {
      const view = file.openView();
      this.#views[segment] = view;
      return view;
    } finally {
      file.close();
    }
  }

  #openFile(segment: number): File {
    try {
      return this.#directory.openFile(segmentName(segment), 'read');
    } catch (error) {
      throw error instanceof KLaniError && error.code === 'NotFound' ? givenUp(segment, error) : error;
    }
  }
}

function givenUp(segment: number, cause?: KLaniError): KLaniError {
  return new KLaniError('Truncated', `Cannot read the log: ${segmentName(segment)} is no longer kept`, { cause });
}
