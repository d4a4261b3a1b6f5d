/** An open file of a simulated disk, and the windows on it. */
import { assert } from '@k-lani/base';
import type { Io } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { SimProcess } from '../world/sim-process.ts';
import type { Disk } from './disk.ts';
import type { Inode } from './inode.ts';

type File = ReturnType<ReturnType<Io['openDirectory']>['openFile']>;
type FileView = ReturnType<File['openView']>;
type Done = Parameters<File['syncLater']>[0];

/** In how many steps a file is filled at most. */
const FILL_STEPS_MAX = 3;

export class SimFile implements File {
  readonly path: string;
  readonly #name: string;
  readonly #disk: Disk;
  readonly #process: SimProcess;
  readonly #inode: Inode;
  readonly #isWritable: boolean;
  #isOpen = true;
  #isBusy = false;

  constructor(disk: Disk, process: SimProcess, file: { path: string; name: string; inode: Inode; isWritable: boolean }) {
    this.#disk = disk;
    this.#process = process;
    this.path = file.path;
    this.#name = file.name;
    this.#inode = file.inode;
    this.#isWritable = file.isWritable;
    disk.openFiles += 1;
  }

  sizeBytes(): number {
    return this.#opened().data.length;
  }

  read(target: Uint8Array, position: number): number {
    const { data } = this.#opened();
    const count = Math.max(0, Math.min(target.length, data.length - position));
    target.set(data.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    const inode = this.#writable();
    const { chance, faults } = this.#disk;
    const isCrash = this.#disk.begin();
    const grows = position + bytes.length > inode.data.length;
    const isFull = grows && faults.isFull(this.#process.timeline.nowMs);
    if (isCrash || isFull || faults.writeFails()) {
      // As much as was written when it stopped.
      const part = bytes.subarray(0, chance.below(bytes.length + 1));
      this.#put(part, position);
      if (!isCrash)
        throw new KLaniError(isFull ? 'DiskFull' : 'Io', `Cannot write ${bytes.length} bytes at ${position}, path is ${this.path}`);
      this.#disk.crash();
      inode.write(bytes.subarray(part.length), position + part.length);
      return;
    }
    this.#put(bytes, position);
  }

  writeLater(bytes: Uint8Array, position: number, done: Done): void {
    this.#writable();
    this.#later(`write of ${this.#name}`, () => this.write(bytes, position), done);
  }

  sync(): void {
    const inode = this.#writable();
    const count = inode.unsyncedCount;
    this.#endSync(count);
  }

  syncLater(done: Done): void {
    const count = this.#writable().unsyncedCount;
    this.#later(`sync of ${this.#name}`, () => this.#endSync(count), done);
  }

  fillLater(sizeBytes: number, done: Done): void {
    this.#writable();
    this.#begin();
    this.#fill(sizeBytes, 1 + this.#disk.chance.below(FILL_STEPS_MAX), done);
  }

  openView(): FileView {
    return new SimView(this.#disk, this.#opened());
  }

  close(): void {
    if (this.#isOpen) this.#disk.openFiles -= 1;
    this.#isOpen = false;
  }

  /** Writes, and tells the watcher, if the process still has the disk. */
  #put(bytes: Uint8Array, position: number): void {
    this.#inode.write(bytes, position);
    if (this.#process.isAlive) this.#disk.watcher.wrote(this.path, position, bytes);
  }

  #endSync(count: number): void {
    const { chance, faults, watcher } = this.#disk;
    const isCrash = this.#disk.begin();
    if (isCrash && chance.happens(0.5)) this.#disk.crash();
    if (faults.syncFails()) {
      this.#inode.failSync(count, chance);
      if (isCrash && this.#process.isAlive) this.#disk.crash();
      throw new KLaniError('Io', `Cannot sync file: the simulated system answers EIO, path is ${this.path}`);
    }
    this.#inode.sync(count);
    if (this.#process.isAlive) watcher.synced(this.path);
    if (isCrash && this.#process.isAlive) this.#disk.crash();
  }

  /** Does `run` some time later. */
  #later(label: string, run: () => void, done: Done): void {
    this.#begin();
    this.#process.plan(this.#disk.faults.delayMs(), label, () => {
      this.#isBusy = false;
      let fault: KLaniError | undefined;
      try {
        run();
      } catch (error) {
        if (!(error instanceof KLaniError)) throw error;
        fault = error;
      }
      done(fault);
    });
  }

  #fill(sizeBytes: number, steps: number, done: Done): void {
    this.#process.plan(this.#disk.faults.delayMs(), `fill of ${this.#name}`, () => {
      const { chance, faults } = this.#disk;
      const isCrash = this.#disk.begin();
      const inode = this.#inode;
      let fault: KLaniError | undefined;
      if (!this.#isOpen) fault = new KLaniError('Closed', `Cannot fill ${sizeBytes} bytes: the file was closed, path is ${this.path}`);
      else if (faults.isFull(this.#process.timeline.nowMs))
        fault = new KLaniError('DiskFull', `Cannot fill ${sizeBytes} bytes, path is ${this.path}`);
      else inode.fillStable(steps === 1 && !isCrash ? sizeBytes : Math.max(inode.data.length, chance.below(sizeBytes)));
      if (isCrash) this.#disk.crash();
      if (fault === undefined && inode.data.length < sizeBytes) {
        this.#fill(sizeBytes, Math.max(1, steps - 1), done);
        return;
      }
      this.#isBusy = false;
      done(fault);
    });
  }

  #begin(): void {
    assert(!this.#isBusy, 'Cannot begin: a write, sync or fill of this file is in flight');
    this.#isBusy = true;
  }

  #opened(): Inode {
    assert(this.#isOpen, 'Cannot use file: it is closed');
    return this.#inode;
  }

  #writable(): Inode {
    assert(this.#isWritable, 'Cannot write: the file is open for reading');
    return this.#opened();
  }
}

/** A window on a file: all of it, as through a mapping, or a piece at a time. */
class SimView implements FileView {
  readonly isWhole: boolean;
  readonly #disk: Disk;
  readonly #inode: Inode;
  readonly #sizeBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  #isOpen = true;

  constructor(disk: Disk, inode: Inode) {
    this.isWhole = disk.hasMappings;
    this.#disk = disk;
    this.#inode = inode;
    this.#sizeBytes = inode.data.length;
    this.#bytes = disk.hasMappings ? inode.data : new Uint8Array(0);
    this.#view = viewOf(this.#bytes);
    disk.openViews += 1;
  }

  get bytes(): Uint8Array {
    assert(this.#isOpen, 'Cannot read file view: it is closed');
    return this.#bytes;
  }

  get view(): DataView {
    assert(this.#isOpen, 'Cannot read file view: it is closed');
    return this.#view;
  }

  at(position: number, length: number): number {
    assert(this.#isOpen, 'Cannot read file view: it is closed');
    const isInside = position >= 0 && length >= 0 && position + length <= this.#sizeBytes;
    assert(isInside, `Cannot read file view: ${length} bytes at ${position} must lie inside ${this.#sizeBytes} bytes`);
    if (this.isWhole) return position;
    this.#bytes = this.#inode.data.slice(position, position + length);
    this.#view = viewOf(this.#bytes);
    return 0;
  }

  close(): void {
    if (this.#isOpen) this.#disk.openViews -= 1;
    this.#isOpen = false;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
