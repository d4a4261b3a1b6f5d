/** A directory of the real file system. */
import { constants, readdirSync, renameSync, unlink, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@k-lani/base';
import { Descriptor } from './descriptor.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { Directory, Done, File, MemorySharing } from './io.ts';
import { NodeFile } from './node-file.ts';
import { NodeSharing } from './shared-memory.ts';
import { systemError } from './system-error.ts';

const LOCK_FILE = 'lock';

/** A directory through `node:fs`. */
export class NodeDirectory implements Directory {
  readonly path: string;
  readonly sharing: MemorySharing | undefined;
  readonly #mapping: boolean;
  #open = true;
  #lock: DirectoryLock | undefined;

  /** @param path of a directory that exists */
  constructor(path: string, { mapping, sharing }: { readonly mapping: boolean; readonly sharing: boolean }) {
    this.path = path;
    this.#mapping = mapping;
    this.sharing = sharing ? new NodeSharing(path) : undefined;
  }

  list(): readonly string[] {
    assert(this.#open, 'Cannot list: the directory is closed');
    try {
      return readdirSync(this.path).toSorted();
    } catch (cause) {
      throw systemError(cause, { action: 'list directory', path: this.path, access: 'read' });
    }
  }

  acquireLock(access: 'write' | 'read' = 'write'): void {
    assert(this.#lock === undefined, 'Cannot lock directory: it is locked by this object');
    const path = this.#pathOf(LOCK_FILE);
    this.#lock = access === 'write' ? DirectoryLock.acquire(path) : DirectoryLock.acquireToRead(path);
  }

  createFile(name: string): File {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    const descriptor = new Descriptor(this.#pathOf(name), flags, { action: 'create file', access: 'write' });
    return new NodeFile(descriptor, { writable: true, mapping: this.#mapping });
  }

  openFile(name: string, mode: 'read' | 'write'): File {
    const writable = mode === 'write';
    const flags = writable ? constants.O_RDWR : constants.O_RDONLY;
    const descriptor = new Descriptor(this.#pathOf(name), flags, { action: `open file to ${mode}`, access: mode });
    return new NodeFile(descriptor, { writable, mapping: this.#mapping });
  }

  rename(from: string, to: string): void {
    const path = this.#pathOf(from);
    const target = this.#pathOf(to);
    try {
      renameSync(path, target);
    } catch (cause) {
      throw systemError(cause, { action: `rename file to ${to}`, path, access: 'write' });
    }
  }

  remove(name: string): void {
    const path = this.#pathOf(name);
    try {
      unlinkSync(path);
    } catch (cause) {
      throw systemError(cause, { action: 'remove file', path, access: 'write' });
    }
  }

  removeLater(name: string, done: Done): void {
    const path = this.#pathOf(name);
    unlink(path, (cause) => done(cause === null ? undefined : systemError(cause, { action: 'remove file', path, access: 'write' })));
  }

  sync(): void {
    assert(this.#open, 'Cannot sync: the directory is closed');
    syncDirectory(this.path);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#lock?.release();
    this.#lock = undefined;
  }

  #pathOf(name: string): string {
    assert(this.#open, 'Cannot use directory: it is closed');
    const single = name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
    assert(single, `Cannot use file name: it is ${JSON.stringify(name)}, must be a single path component`);
    return join(this.path, name);
  }
}

/** Returns when the names in a directory are on stable storage. */
export function syncDirectory(path: string): void {
  const descriptor = new Descriptor(path, constants.O_RDONLY, { action: 'open directory to sync', access: 'read' });
  try {
    descriptor.syncAll();
  } finally {
    descriptor.release();
  }
}
