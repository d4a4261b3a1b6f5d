/** A file system in memory, for openings by the hundred thousand: nothing fails, nothing waits, and every file is an array of bytes. */
import { assert, type Clock, type Scheduler } from '@k-lani/base';
import type { Io } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';

type Directory = ReturnType<Io['openDirectory']>;
type File = ReturnType<Directory['openFile']>;
type Done = Parameters<File['syncLater']>[0];
type FileView = ReturnType<File['openView']>;

/** The files of one directory, by name. */
export type Files = Map<string, Uint8Array>;

const PATH = '/memory';

/** One directory, whatever path is asked for; the lock is always free. */
export class MemoryIo implements Io {
  readonly #files: Files;

  constructor(files: Files) {
    this.#files = files;
  }

  openDirectory(): Directory {
    const files = this.#files;
    return {
      path: PATH,
      list: () => [...files.keys()].toSorted(),
      acquireLock: () => {
        if (!files.has('lock')) files.set('lock', new TextEncoder().encode('1'.padEnd(15)));
      },
      createFile: (name) => {
        if (files.has(name)) throw new KLaniError('Io', `Cannot create file: EEXIST, path is ${PATH}/${name}`);
        files.set(name, new Uint8Array(0));
        return new MemoryFile(files, name);
      },
      openFile: (name) => {
        if (!files.has(name)) throw new KLaniError('NotFound', `Cannot open file: ENOENT, path is ${PATH}/${name}`);
        return new MemoryFile(files, name);
      },
      rename: (from, to) => {
        const bytes = files.get(from);
        assert(bytes !== undefined, 'What is renamed exists');
        files.delete(from);
        files.set(to, bytes);
      },
      remove: (name) => void files.delete(name),
      sync: () => undefined,
      close: () => undefined,
    };
  }
}

class MemoryFile implements File {
  readonly path: string;
  readonly #files: Files;
  readonly #name: string;

  constructor(files: Files, name: string) {
    this.path = `${PATH}/${name}`;
    this.#files = files;
    this.#name = name;
  }

  sizeBytes(): number {
    return this.#bytes().length;
  }

  read(target: Uint8Array, position: number): number {
    const part = this.#bytes().subarray(position, position + target.length);
    target.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.#bytes().length) {
      const grown = new Uint8Array(end);
      grown.set(this.#bytes());
      this.#files.set(this.#name, grown);
    }
    this.#bytes().set(bytes, position);
  }

  writeLater(bytes: Uint8Array, position: number, done: Done): void {
    this.write(bytes, position);
    queueMicrotask(() => done(undefined));
  }

  sync(): void {
    this.#bytes();
  }

  syncLater(done: Done): void {
    queueMicrotask(() => done(undefined));
  }

  fillLater(sizeBytes: number, done: Done): void {
    this.#files.set(this.#name, new Uint8Array(sizeBytes));
    queueMicrotask(() => done(undefined));
  }

  openView(): FileView {
    const bytes = this.#bytes();
    return {
      isWhole: true,
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      at: (position) => position,
      close: () => undefined,
    };
  }

  close(): void {
    assert(this.path !== '', 'A file has a path');
  }

  /** A file keeps its bytes when its name is taken away or given to another: none of it happens to an open one here. */
  #bytes(): Uint8Array {
    const bytes = this.#files.get(this.#name);
    assert(bytes !== undefined, 'An open file exists');
    return bytes;
  }
}

/** What is put off for longer than this never comes: nothing here waits for something that fails. */
const AFTER_MS_MAX = 10;

/** A clock that goes on by a second whenever it is asked, and puts work off until the turn's other work is done. */
export class MemoryClock implements Clock, Scheduler {
  #seconds = 1_700_000_000;

  monotonicMs(): number {
    return this.wallMs();
  }

  wallMs(): number {
    this.#seconds += 1;
    return this.#seconds * 1000;
  }

  defer(callback: () => void): void {
    queueMicrotask(callback);
  }

  after(delayMs: number, callback: () => void): void {
    if (delayMs <= AFTER_MS_MAX) queueMicrotask(callback);
  }
}
