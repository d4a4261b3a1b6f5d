/** The segments of a log that are written to no more, for reading: views are opened when they are first needed. */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, FileView } from '../io/io.ts';
import { RECORD_HEADER_SIZE, recordMatchesChecksum } from '../log/record.ts';
import type { RecordSource } from '../log/record-source.ts';
import { segmentName } from '../log/segment.ts';

export class SealedLog implements RecordSource {
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  readonly #directory: Directory;
  readonly #segmentSizeBytes: number;
  /** The first segment that is not read. */
  readonly #endSegment: number;
  /** By segment index. */
  readonly #views: (FileView | undefined)[] = [];

  constructor(directory: Directory, segmentSizeBytes: number, endSegment: number) {
    this.#directory = directory;
    this.#segmentSizeBytes = segmentSizeBytes;
    this.#endSegment = endSegment;
  }

  locate(position: number, length: number): number {
    const segment = Math.floor(position / this.#segmentSizeBytes);
    const view = this.#views[segment] ?? this.#open(segment);
    const at = view.at(position - segment * this.#segmentSizeBytes, length);
    this.bytes = view.bytes;
    this.view = view.view;
    return at;
  }

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

  /** Closes every view. */
  close(): void {
    for (const view of this.#views) view?.close();
    this.#views.length = 0;
  }

  #open(segment: number): FileView {
    assert(segment < this.#endSegment, 'Only segments that are written to no more are read');
    const file = this.#directory.openFile(segmentName(segment), 'read');
    try {
      const view = file.openView();
      this.#views[segment] = view;
      return view;
    } finally {
      file.close();
    }
  }
}
