/**
 * The segment files of a database: opening them for reading, and preparing the next one while the present one is written.
 *
 * A file has its final name only once it is filled with zeros and synced: it is filled under another name, renamed, and the directory
 * is synced.
 */
import { assert, type Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Done, File, FileView } from '../io/io.ts';
import { PREPARED_NAME, segmentIndexOf, segmentName } from './segment.ts';

/** After which time a segment that somebody waits for, and that found no room, is tried again, milliseconds. */
const RETRY_MS = 100;

/**
 * How the next segment stands: `filling` in the background, `ready` to be written, or `failed`, most likely for want of room. While a failed
 * one is filled again it still has its error: nobody may count on it before it is ready.
 */
interface Preparation {
  readonly state: 'none' | 'ready' | 'filling' | 'failed';
  readonly index: number;
  readonly error: KLaniError | undefined;
}

interface Waiting {
  readonly ready: () => void;
  /** Returns whether to go on waiting. */
  readonly failed: (error: KLaniError) => boolean;
}

export class SegmentFiles {
  readonly sizeBytes: number;
  readonly #directory: Directory;
  readonly #scheduler: Scheduler;
  readonly #mode: 'read' | 'write';
  /** Views by segment index; a segment that has not begun has none. */
  readonly #views: (FileView | undefined)[] = [];
  readonly #files: (File | undefined)[] = [];
  #preparation: Preparation = { state: 'none', index: 0, error: undefined };
  #waiting: Waiting[] = [];
  #closed = false;

  constructor(directory: Directory, options: { sizeBytes: number; scheduler: Scheduler; mode: 'read' | 'write' }) {
    this.#directory = directory;
    this.sizeBytes = options.sizeBytes;
    this.#scheduler = options.scheduler;
    this.#mode = options.mode;
  }

  /** Opens segment `index`, which must have its final name, for reading and, as the present one, for writing. */
  open(index: number): File {
    const file = this.#directory.openFile(segmentName(index), this.#mode);
    this.#files[index] = file;
    this.#views[index] = file.openView();
    return file;
  }

  file(index: number): File {
    const file = this.#files[index];
    assert(file !== undefined, 'Segment is open');
    return file;
  }

  /** The view of an open segment. */
  view(index: number): FileView {
    const view = this.#views[index];
    assert(view !== undefined, 'Segment is open');
    return view;
  }

  /** The first segment behind `index` that is open, if there is one. */
  openBehind(index: number): number | undefined {
    for (let behind = index + 1; behind < this.#views.length; behind += 1) if (this.#views[behind] !== undefined) return behind;
    return undefined;
  }

  /** Closes segments before `end`. Nobody may read them any more. */
  closeBefore(end: number): void {
    for (let index = this.openBehind(0); index !== undefined && index < end; index = this.openBehind(index)) {
      this.#views[index]?.close();
      this.#files[index]?.close();
      this.#views[index] = undefined;
      this.#files[index] = undefined;
    }
  }

  /** Takes the names of segments before `end` away, which are closed. Not synced: what a crash brings back, the next opening removes. */
  removeBefore(end: number, done: Done): void {
    const directory = this.#directory;
    const names = directory.list().filter((name) => (segmentIndexOf(name) ?? end) < end);
    const removeNext = (error: KLaniError | undefined): void => {
      const name = names.shift();
      if (error !== undefined || name === undefined) done(error);
      else if (directory.removeLater !== undefined) directory.removeLater(name, removeNext);
      else {
        directory.remove(name);
        removeNext(undefined);
      }
    };
    removeNext(undefined);
  }

  /** Why segment `index` cannot be counted on, or `undefined` when it is ready or on its way for the first time. */
  failureOf(index: number): KLaniError | undefined {
    const preparation = this.#preparation;
    return preparation.index === index ? preparation.error : undefined;
  }

  /** Takes over segment `index`, which an earlier run has filled with zeros; returns false when it has another size. */
  adopt(index: number): boolean {
    const file = this.#directory.openFile(segmentName(index), 'read');
    const isRight = file.sizeBytes() === this.sizeBytes;
    file.close();
    if (isRight) this.#preparation = { state: 'ready', index, error: undefined };
    return isRight;
  }

  /** Begins to fill segment `index` in the background, unless that is done or under way; a failed attempt is made again. */
  prepare(index: number): void {
    const { state, index: prepared, error } = this.#preparation;
    if (this.#closed || (prepared === index && (state === 'filling' || state === 'ready'))) return;
    this.#preparation = { state: 'filling', index, error: prepared === index ? error : undefined };
    try {
      if (this.#directory.list().includes(PREPARED_NAME)) this.#directory.remove(PREPARED_NAME);
      this.#fill(this.#directory.createFile(PREPARED_NAME), index);
    } catch (fault) {
      this.#settle(index, asError(fault));
    }
  }

  /**
   * Calls `ready` when segment `index` can be written: now, or once it is prepared. `failed` is called for each attempt that fails, and says
   * whether to go on waiting.
   */
  whenReady(index: number, ready: () => void, failed: (error: KLaniError) => boolean): void {
    if (this.#preparation.index === index && this.#preparation.state === 'ready') {
      ready();
      return;
    }
    this.#waiting.push({ ready, failed });
    this.prepare(index);
  }

  /** Closes every file and view. */
  close(): void {
    this.#closed = true;
    for (const view of this.#views) view?.close();
    for (const file of this.#files) file?.close();
  }

  #fill(file: File, index: number): void {
    file.fillLater(this.sizeBytes, (error) => {
      file.close();
      if (!this.#closed) this.#settle(index, error ?? this.#name(index));
    });
  }

  /** Gives the filled file its final name. */
  #name(index: number): KLaniError | undefined {
    try {
      this.#directory.rename(PREPARED_NAME, segmentName(index));
      this.#directory.sync();
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }

  #settle(index: number, error: KLaniError | undefined): void {
    const waiting = this.#waiting;
    if (error === undefined) {
      this.#preparation = { state: 'ready', index, error: undefined };
      this.#waiting = [];
      for (const { ready } of waiting) ready();
      return;
    }
    this.#preparation = { state: 'failed', index, error };
    this.#waiting = waiting.filter(({ failed }) => failed(error));
    // Whoever waits was accepted before room ran out, and has no other way to learn that there is room again.
    if (this.#waiting.length > 0) this.#scheduler.after(RETRY_MS, () => this.prepare(index));
  }
}

/** Passes a coded error on; anything else is a bug and is thrown. */
function asError(error: unknown): KLaniError {
  if (error instanceof KLaniError) return error;
  throw error;
}
