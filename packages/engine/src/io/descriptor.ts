/** The number by which the system knows an open file. */
import { closeSync, fdatasyncSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { assert } from '@k-lani/base';
import { systemError } from './system-error.ts';

/** The owner writes, the group may read, others see nothing of the rows. */
const FILE_MODE = 0o640;

/**
 * An open file, closed when its last user has released it. Numbers are given anew by the system, so using one after closing it would
 * reach another file: a view or a sync in flight holds the descriptor of its file.
 *
 * Every error of the system is thrown as a `KLaniError`.
 */
export class Descriptor {
  readonly path: string;
  readonly #number: number;
  #users = 1;

  /** Opens a file with the flags of open(2); its opener is the first user. */
  constructor(path: string, flags: number, { action, access }: { readonly action: string; readonly access: 'read' | 'write' }) {
    this.path = path;
    try {
      this.#number = openSync(path, flags, FILE_MODE);
    } catch (cause) {
      throw systemError(cause, { action, path, access });
    }
  }

  /** For calls that this class does not make. */
  get number(): number {
    assert(this.#users > 0, 'Cannot use file: it is closed');
    return this.#number;
  }

  acquire(): void {
    assert(this.#users > 0, 'Cannot use file: it is closed');
    this.#users += 1;
  }

  release(): void {
    assert(this.#users > 0, 'Cannot release file: it is closed');
    this.#users -= 1;
    if (this.#users > 0) return;
    try {
      closeSync(this.#number);
    } catch (cause) {
      throw systemError(cause, { action: 'close file', path: this.path, access: 'sync' });
    }
  }

  sizeBytes(): number {
    const { number } = this;
    try {
      return fstatSync(number).size;
    } catch (cause) {
      throw systemError(cause, { action: 'read file size', path: this.path, access: 'read' });
    }
  }

  /** Reads from `position` until `target` is full or the file ends; returns how many bytes that were. */
  read(target: Uint8Array, position: number): number {
    const { number } = this;
    checkPosition(position);
    let total = 0;
    try {
      while (total < target.length) {
        const read = readSync(number, target, total, target.length - total, position + total);
        if (read === 0) break;
        total += read;
      }
    } catch (cause) {
      throw systemError(cause, { action: `read ${target.length} bytes at ${position}`, path: this.path, access: 'read' });
    }
    return total;
  }

  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): void {
    const { number } = this;
    checkPosition(position);
    let total = 0;
    try {
      while (total < bytes.length) total += writeSync(number, bytes, total, bytes.length - total, position + total);
    } catch (cause) {
      throw systemError(cause, { action: `write ${bytes.length} bytes at ${position}`, path: this.path, access: 'write' });
    }
  }

  /** Returns when the bytes, and what is needed to find them, are on stable storage. */
  syncData(): void {
    const { number } = this;
    try {
      fdatasyncSync(number);
    } catch (cause) {
      throw systemError(cause, { action: 'sync file', path: this.path, access: 'sync' });
    }
  }

  /** Returns when the bytes and everything the system knows about the file, or the names in a directory, are on stable storage. */
  syncAll(): void {
    const { number } = this;
    try {
      fsyncSync(number);
    } catch (cause) {
      throw systemError(cause, { action: 'sync file or directory', path: this.path, access: 'sync' });
    }
  }
}

/** `node:fs` takes a negative position for "where the file stands", so none may get that far. */
function checkPosition(position: number): void {
  if (Number.isSafeInteger(position) && position >= 0) return;
  assert(false, `Cannot read or write: position is ${position}, must be an integer >= 0`);
}
