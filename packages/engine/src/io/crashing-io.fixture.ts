/**
 * For tests: a disk in memory that dies at a chosen operation, and what the next process finds on it: everything, after a kill; after a power
 * cut what was synced, and of the rest some writes, whole or by sectors, and some changes of names, in any order.
 */
import type { Clock, Scheduler, SeededRandom } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Done, File, FileView, Io } from './io.ts';

const SECTOR_SIZE = 512;

/** Timers longer than this keep no test waiting. */
const AWAITED_MS_MAX = 2000;

/** What every operation on a dead disk throws: no error that the engine knows. */
class Crash extends Error {}

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** The bytes of a file, whatever its name. */
class Inode {
  bytes: Uint8Array;
  synced: Uint8Array;
  unsynced: Write[] = [];

  constructor(bytes: Uint8Array, synced = bytes) {
    this.bytes = bytes;
    this.synced = synced.slice();
  }

  write(bytes: Uint8Array, position: number): void {
    this.bytes = grown(this.bytes, position + bytes.length);
    this.bytes.set(bytes, position);
    this.unsynced.push({ position, bytes: bytes.slice() });
  }

  /** Makes the first `count` writes durable. */
  sync(count = this.unsynced.length): void {
    this.synced = grown(this.synced, this.bytes.length);
    for (const { position, bytes } of this.unsynced.splice(0, count)) this.synced.set(bytes, position);
  }

  /** The bytes after a power cut. */
  survivor(random: SeededRandom): Uint8Array {
    const bytes = random.below(2) === 0 ? this.synced.slice() : grown(this.synced, this.bytes.length).slice();
    for (const write of this.unsynced) {
      for (let start = 0; start < write.bytes.length;) {
        const end = Math.min(write.bytes.length, start + SECTOR_SIZE - ((write.position + start) % SECTOR_SIZE));
        const isKept = random.below(2) === 0 && write.position + end <= bytes.length;
        if (isKept) bytes.set(write.bytes.subarray(start, end), write.position + start);
        start = end;
      }
    }
    return bytes;
  }
}

/** A change of names: one goes, one comes, or both in one step. */
interface NameChange {
  readonly gone: string | undefined;
  readonly come: readonly [string, Inode] | undefined;
}

/** The names of a directory. */
class Folder {
  names = new Map<string, Inode>();
  synced = new Map<string, Inode>();
  unsynced: NameChange[] = [];
  isLocked = false;

  change(change: NameChange): void {
    applyChange(this.names, change);
    this.unsynced.push(change);
  }

  sync(): void {
    this.synced = new Map(this.names);
    this.unsynced = [];
  }

  /** The names after a power cut: the changes up to a moment, or any of them. */
  survivors(random: SeededRandom): Map<string, Inode> {
    const names = new Map(this.synced);
    const isInOrder = random.below(2) === 0;
    const count = random.below(this.unsynced.length + 1);
    for (const [place, change] of this.unsynced.entries()) {
      if (isInOrder ? place < count : random.below(2) === 0) applyChange(names, change);
    }
    return names;
  }
}

function applyChange(names: Map<string, Inode>, { gone, come }: NameChange): void {
  if (gone !== undefined) names.delete(gone);
  if (come !== undefined) names.set(...come);
}

export class CrashingDisk implements Io {
  readonly folders = new Map<string, Folder>();
  /** The operation that the disk dies at, counted from 1. */
  crashAt = Infinity;
  operations = 0;
  isDead = false;
  /** Resolves when the disk is dead. */
  readonly died: Promise<void>;
  #die: () => void = () => undefined;
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** Bytes of the files in a directory whose names end so. */
  sizeBytes(path: string, ending: string): number {
    const files = [...(this.folders.get(path)?.names ?? [])].filter(([name]) => name.endsWith(ending));
    return files.reduce((sum, [, { bytes }]) => sum + bytes.length, 0);
  }

  /** The bytes of a file, to look at or to damage. */
  bytesOf(path: string, name: string): Uint8Array {
    const inode = this.folders.get(path)?.names.get(name);
    if (inode === undefined) throw new Error(`There is no ${path}/${name}`);
    return inode.bytes;
  }

  /** What the next process finds. */
  after(what: 'kill' | 'power cut'): CrashingDisk {
    const next = new CrashingDisk(this.#random);
    const copies = new Map<Inode, Inode>();
    for (const [path, folder] of this.folders) {
      const found = new Folder();
      const copyOf = (inode: Inode): Inode => {
        const copy = copies.get(inode) ?? this.#copy(inode, what);
        copies.set(inode, copy);
        return copy;
      };
      const copied = (names: ReadonlyMap<string, Inode>) => new Map([...names].map(([name, inode]) => [name, copyOf(inode)]));
      if (what === 'kill') {
        // What the killed process had not synced is in the system's memory still, and a power cut may take it.
        found.names = copied(folder.names);
        found.synced = copied(folder.synced);
        found.unsynced = folder.unsynced.map(({ gone, come }) => ({
          gone,
          come: come === undefined ? undefined : [come[0], copyOf(come[1])],
        }));
      } else {
        found.names = copied(folder.survivors(this.#random));
        found.sync();
      }
      next.folders.set(path, found);
    }
    return next;
  }

  openDirectory(path: string, { create }: { readonly create: boolean }): Directory {
    if (!this.folders.has(path) && !create) throw new KLaniError('NotFound', `Cannot open directory ${path}: there is none`);
    const folder = this.folders.get(path) ?? new Folder();
    this.folders.set(path, folder);
    return new CrashingDirectory(this, path, folder);
  }

  /** Counts an operation; at the one to die at, `part` of it may have been done. */
  step(part?: (random: SeededRandom) => void): void {
    if (this.isDead) throw new Crash();
    this.operations += 1;
    if (this.operations < this.crashAt) return;
    this.isDead = true;
    this.#die();
    if (this.#random.below(2) === 0) part?.(this.#random);
    throw new Crash();
  }

  /** Runs what a dead disk ends. */
  readonly guard = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  };

  /** A clock whose callbacks end with the disk. */
  clock(wallMs: () => number): Clock & Scheduler {
    return {
      monotonicMs: () => performance.now(),
      wallMs,
      defer: (callback) => void setImmediate(() => this.guard(callback)),
      after: (delayMs, callback) => {
        const timer = setTimeout(() => this.guard(callback), delayMs);
        if (delayMs > AWAITED_MS_MAX) timer.unref();
      },
    };
  }

  #copy(inode: Inode, what: 'kill' | 'power cut'): Inode {
    if (what === 'power cut') return new Inode(inode.survivor(this.#random));
    const copy = new Inode(inode.bytes.slice(), inode.synced);
    copy.unsynced = [...inode.unsynced];
    return copy;
  }
}

class CrashingDirectory implements Directory {
  readonly path: string;
  readonly #disk: CrashingDisk;
  readonly #folder: Folder;
  #hasLock = false;

  constructor(disk: CrashingDisk, path: string, folder: Folder) {
    this.#disk = disk;
    this.path = path;
    this.#folder = folder;
  }

  list(): readonly string[] {
    return [...this.#folder.names.keys()].toSorted();
  }

  acquireLock(): void {
    if (this.#folder.isLocked) throw new KLaniError('DirectoryLocked', `Cannot lock ${this.path}: it is locked`);
    this.#folder.isLocked = true;
    this.#hasLock = true;
  }

  createFile(name: string): File {
    this.#disk.step();
    if (this.#folder.names.has(name)) throw new KLaniError('Io', `Cannot create ${this.path}/${name}: EEXIST`);
    const inode = new Inode(new Uint8Array(0));
    this.#folder.change({ gone: undefined, come: [name, inode] });
    return new CrashingFile(this.#disk, `${this.path}/${name}`, inode);
  }

  openFile(name: string): File {
    const inode = this.#folder.names.get(name);
    if (inode === undefined) throw new KLaniError('NotFound', `Cannot open ${this.path}/${name}: ENOENT`);
    return new CrashingFile(this.#disk, `${this.path}/${name}`, inode);
  }

  rename(from: string, to: string): void {
    const change = (): void => {
      const inode = this.#folder.names.get(from);
      if (inode === undefined) throw new KLaniError('NotFound', `Cannot rename ${this.path}/${from}: ENOENT`);
      this.#folder.change({ gone: from, come: [to, inode] });
    };
    this.#disk.step(change);
    change();
  }

  remove(name: string): void {
    const change = (): void => this.#folder.change({ gone: name, come: undefined });
    this.#disk.step(change);
    change();
  }

  removeLater(name: string, done: Done): void {
    setImmediate(() =>
      this.#disk.guard(() => {
        this.remove(name);
        done(undefined);
      }),
    );
  }

  sync(): void {
    this.#disk.step();
    this.#folder.sync();
  }

  close(): void {
    if (this.#hasLock) this.#folder.isLocked = false;
    this.#hasLock = false;
  }
}

class CrashingFile implements File {
  readonly path: string;
  readonly #disk: CrashingDisk;
  readonly #inode: Inode;
  #isOpen = true;

  constructor(disk: CrashingDisk, path: string, inode: Inode) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
  }

  sizeBytes(): number {
    return this.#inode.bytes.length;
  }

  read(target: Uint8Array, position: number): number {
    const bytes = this.#inode.bytes.subarray(position, position + target.length);
    target.set(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#disk.step((random) => this.#inode.write(bytes.subarray(0, random.below(bytes.length)), position));
    this.#inode.write(bytes, position);
  }

  writeLater(bytes: Uint8Array, position: number, done: Done): void {
    setImmediate(() =>
      this.#disk.guard(() => {
        this.write(bytes, position);
        done(undefined);
      }),
    );
  }

  sync(): void {
    this.#disk.step();
    this.#inode.sync();
  }

  syncLater(done: Done): void {
    const count = this.#inode.unsynced.length;
    this.#later(() => this.#inode.sync(count), done);
  }

  fillLater(sizeBytes: number, done: Done): void {
    this.#later(() => {
      if (!this.#isOpen) return;
      this.#inode.write(new Uint8Array(sizeBytes), 0);
      this.#inode.sync();
    }, done);
  }

  openView(): FileView {
    return new CrashingView(this.#inode);
  }

  close(): void {
    this.#isOpen = false;
  }

  #later(run: () => void, done: Done): void {
    setImmediate(() =>
      this.#disk.guard(() => {
        this.#disk.step();
        run();
        done(undefined);
      }),
    );
  }
}

class CrashingView implements FileView {
  readonly isWhole = true;
  #inode: Inode | undefined;

  constructor(inode: Inode) {
    this.#inode = inode;
  }

  get bytes(): Uint8Array {
    return this.#open.bytes;
  }

  get view(): DataView {
    const { bytes } = this.#open;
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  at(position: number, length: number): number {
    const { bytes } = this.#open;
    if (position < 0 || position + length > bytes.length) throw new Error(`Cannot see ${length} bytes at ${position} of ${bytes.length}`);
    return position;
  }

  close(): void {
    this.#inode = undefined;
  }

  get #open(): Inode {
    if (this.#inode === undefined) throw new Error('Cannot use a view: it is closed');
    return this.#inode;
  }
}

function grown(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length >= size) return bytes;
  const larger = new Uint8Array(size);
  larger.set(bytes);
  return larger;
}
