/** A file of the real file system. */
import { fdatasync, fsync, write } from 'node:fs';
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Descriptor } from './descriptor.ts';
import type { Done, File, FileView } from './io.ts';
import { Mapping } from './mapping.ts';
import { PositionedView } from './positioned-view.ts';
import { systemError } from './system-error.ts';

/**
 * What `fillLater` writes and syncs at once. A sync of another file can wait for all that is not yet stored of this one: up to 26 ms when
 * 64 MiB were synced in one go on a disk where a sync takes 50 µs, under 2 ms in steps of 1 MiB.
 */
const FILL_STEP_BYTES = 1024 * 1024;
const ZEROS = new Uint8Array(FILL_STEP_BYTES);

/** How a file is used. */
interface NodeFileOptions {
  readonly writable: boolean;
  /** Whether views are mappings. */
  readonly mapping: boolean;
}

/** A file through `node:fs`; what is done off the thread runs in libuv's thread pool. */
export class NodeFile implements File {
  readonly path: string;
  readonly #descriptor: Descriptor;
  readonly #options: NodeFileOptions;
  #open = true;
  /** Whom to tell when the write, sync or fill in flight ends; undefined when none is. */
  #done: Done | undefined;

  /** Takes the caller's use of the descriptor over. */
  constructor(descriptor: Descriptor, options: NodeFileOptions) {
    this.path = descriptor.path;
    this.#descriptor = descriptor;
    this.#options = options;
  }

  sizeBytes(): number {
    return this.#opened().sizeBytes();
  }

  read(target: Uint8Array, position: number): number {
    return this.#opened().read(target, position);
  }

  write(bytes: Uint8Array, position: number): void {
    this.#writable().write(bytes, position);
  }

  writeLater(bytes: Uint8Array, position: number, done: Done): void {
    assert(Number.isSafeInteger(position) && position >= 0, `Cannot write: position is ${position}, must be an integer >= 0`);
    this.#begin(done);
    this.#writeRest(bytes, position, 0);
  }

  sync(): void {
    this.#writable().syncData();
  }

  syncLater(done: Done): void {
    this.#begin(done);
    fdatasync(this.#descriptor.number, this.#onSynced);
  }

  fillLater(sizeBytes: number, done: Done): void {
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes > 0, `Cannot fill: size is ${sizeBytes}, must be an integer >= 1`);
    this.#begin(done);
    this.#fill(0, sizeBytes);
  }

  openView(): FileView {
    const descriptor = this.#opened();
    const sizeBytes = descriptor.sizeBytes();
    // The system maps no empty range.
    return this.#options.mapping && sizeBytes > 0 ? new Mapping(descriptor, sizeBytes) : new PositionedView(descriptor, sizeBytes);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#descriptor.release();
  }

  #opened(): Descriptor {
    assert(this.#open, 'Cannot use file: it is closed');
    return this.#descriptor;
  }

  #writable(): Descriptor {
    assert(this.#options.writable, 'Cannot write: the file is open for reading');
    return this.#opened();
  }

  #begin(done: Done): void {
    assert(this.#done === undefined, 'Cannot begin: a write, sync or fill of this file is in flight');
    this.#writable().acquire();
    this.#done = done;
  }

  #writeRest(bytes: Uint8Array, position: number, from: number): void {
    if (from === bytes.length) {
      this.#finish(undefined);
      return;
    }
    write(this.#descriptor.number, bytes, from, bytes.length - from, position + from, (cause, written) => {
      if (cause === null) this.#writeRest(bytes, position, from + written);
      else this.#finish(systemError(cause, { action: `write ${bytes.length} bytes at ${position}`, path: this.path, access: 'write' }));
    });
  }

  readonly #onSynced = (cause: Error | null): void => {
    this.#finish(cause === null ? undefined : systemError(cause, { action: 'sync file', path: this.path, access: 'sync' }));
  };

  #fill(position: number, sizeBytes: number): void {
    if (!this.#open) {
      this.#finish(new KLaniError('Closed', `Cannot fill ${sizeBytes} bytes: the file was closed, path is ${this.path}`));
      return;
    }
    const { number } = this.#descriptor;
    if (position === sizeBytes) {
      fsync(number, (cause) => this.#finish(cause === null ? undefined : this.#fillError(cause, sizeBytes)));
      return;
    }
    write(number, ZEROS, 0, Math.min(FILL_STEP_BYTES, sizeBytes - position), position, (writeCause, written) => {
      if (writeCause !== null) {
        this.#finish(this.#fillError(writeCause, sizeBytes));
        return;
      }
      fdatasync(number, (syncCause) => {
        if (syncCause === null) this.#fill(position + written, sizeBytes);
        else this.#finish(this.#fillError(syncCause, sizeBytes));
      });
    });
  }

  #fillError(cause: Error, sizeBytes: number): KLaniError {
    return systemError(cause, { action: `fill ${sizeBytes} bytes`, path: this.path, access: 'write' });
  }

  #finish(error: KLaniError | undefined): void {
    const done = this.#done;
    assert(done !== undefined, 'Cannot finish: no write, sync or fill is in flight');
    this.#done = undefined;
    let failure = error;
    try {
      this.#descriptor.release();
    } catch (closing) {
      if (!(closing instanceof KLaniError)) throw closing;
      failure ??= closing;
    }
    done(failure);
  }
}
