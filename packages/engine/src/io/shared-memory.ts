/**
 * Shared memory of Linux: files in memory (`memfd_create`), which no directory names.
 *
 * 1. Other threads and processes open `/proc/<process>/fd/<descriptor>`. The system lets those look there who may look at the process: the
 *    same user, or root.
 * 2. Memory is named for the directory that it belongs to, by device and inode, and made by whoever holds the directory's lock, whose process
 *    id is in the file `lock`. So it is found without another file, and neither a lock file left by a dead process, nor one that was copied
 *    with its directory, nor a process id that is another program's by now leads to memory that is not this directory's.
 * 3. A chunk is reserved before it is mapped: want of memory is an error, and not a signal at the first store. It can never shrink.
 */
import { closeSync, constants, fchmodSync, fstatSync, openSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { join } from 'node:path';
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { MemoryPlace, MemorySharing, SharedMemory, SharedMemoryView } from './io.ts';
import { memoryCalls } from './libc.ts';
import { MappedRange } from './mapping.ts';
import { systemCallError, systemError } from './system-error.ts';

const LOCK_FILE = 'lock';
/** How the system shows memory of ours among the descriptors of a process, before its name. */
const LINK_BEGIN = '/memfd:k-lani:';
const LINK_END = ' (deleted)';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_SEAL_SHRINK = 2;
const { EINTR, ENOMEM, ENOSPC } = systemConstants.errno;

/** Only the user of the process that made it. */
const MEMORY_MODE = 0o600;

/** The memory of one directory. */
export class NodeSharing implements MemorySharing {
  readonly #path: string;

  /** @param path of a directory that exists */
  constructor(path: string) {
    this.#path = path;
  }

  create(name: string, chunkSizeBytes: number): SharedMemory {
    return new OwnMemory(`k-lani:${this.#identity()}:${name}`, chunkSizeBytes);
  }

  find(name: string): readonly MemoryPlace[] {
    const processId = this.#lockHolder();
    const link = `${LINK_BEGIN}${this.#identity()}:${name}${LINK_END}`;
    const directory = `/proc/${processId}/fd`;
    const places: MemoryPlace[] = [];
    for (const descriptor of this.#descriptorsOf(processId, directory)) {
      if (linkOf(join(directory, descriptor)) === link) places.push({ processId, descriptor: Number(descriptor) });
    }
    return places;
  }

  open(place: MemoryPlace, options: { readonly chunkSizeBytes: number; readonly access: 'read' | 'write' }): SharedMemoryView {
    return new OpenMemory(place, options);
  }

  /** What tells the directory from all others of this host. */
  #identity(): string {
    try {
      const { dev, ino } = statSync(this.#path, { bigint: true });
      return `${dev}:${ino}`;
    } catch (cause) {
      throw systemError(cause, { action: 'look at directory', path: this.#path, access: 'read' });
    }
  }

  #lockHolder(): number {
    const path = join(this.#path, LOCK_FILE);
    const text = read(path, () => this.#notFound('it was never opened'));
    const processId = Number(text.split('\n')[0]);
    if (Number.isSafeInteger(processId) && processId > 0) return processId;
    throw this.#notFound('its lock file names no process');
  }

  #descriptorsOf(processId: number, directory: string): string[] {
    try {
      return readdirSync(directory);
    } catch (cause) {
      if (!isRefusal(cause)) throw this.#notFound(`process ${processId}, which had it open last, is gone`);
      throw new KLaniError(
        'Io',
        `Cannot read the memory of process ${processId}, which has ${this.#path} open: it runs as another user, and this process must run as the same`,
        { cause },
      );
    }
  }

  #notFound(reason: string): KLaniError {
    return new KLaniError('NotFound', `Cannot find a running server of ${this.#path}: ${reason}`);
  }
}

/** Memory that this process made. */
class OwnMemory implements SharedMemory {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #chunkSizeBytes: number;
  readonly #chunks: MappedRange[] = [];
  #isClosed = false;

  constructor(name: string, chunkSizeBytes: number) {
    const calls = memoryCalls();
    this.#path = `memory ${name}`;
    this.#chunkSizeBytes = chunkSizeBytes;
    const made = calls.memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0) throw this.#refused('memfd_create', calls.errno());
    try {
      if (calls.addSeals(made, F_SEAL_SHRINK) !== 0) throw this.#refused('fcntl', calls.errno());
      fchmodSync(made, MEMORY_MODE);
      // A descriptor that Node opened is closed by Node when its thread is terminated.
      this.#descriptor = openSync(`/proc/self/fd/${made}`, constants.O_RDWR);
    } catch (cause) {
      throw cause instanceof KLaniError ? cause : systemError(cause, { action: 'open memory', path: this.#path, access: 'write' });
    } finally {
      calls.close(made);
    }
  }

  get place(): MemoryPlace {
    return { processId: process.pid, descriptor: this.#descriptor };
  }

  addChunk(): ArrayBuffer {
    assert(!this.#isClosed, 'Cannot grow shared memory: it is closed');
    const sizeBytes = this.#chunkSizeBytes;
    const offset = this.#chunks.length * sizeBytes;
    this.#reserve(offset, sizeBytes);
    const range = { descriptor: this.#descriptor, path: this.#path, offset, sizeBytes, isMemory: true, writable: true };
    const chunk = new MappedRange(range);
    this.#chunks.push(chunk);
    return chunk.buffer;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const chunk of this.#chunks) chunk.close();
    closeSync(this.#descriptor);
  }

  #reserve(offset: number, sizeBytes: number): void {
    const { fallocate, errno } = memoryCalls();
    while (fallocate(this.#descriptor, 0, offset, sizeBytes) !== 0) {
      const number = errno();
      if (number === EINTR) continue;
      if (number !== ENOMEM && number !== ENOSPC) throw this.#refused('fallocate', number);
      const cause = systemCallError('fallocate', number, this.#path);
      throw new KLaniError('LimitReached', `Cannot hold derived state: no memory is left for ${sizeBytes} bytes more`, { cause });
    }
  }

  #refused(call: string, errno: number): KLaniError {
    return systemError(systemCallError(call, errno, this.#path), { action: 'make shared memory', path: this.#path, access: 'read' });
  }
}

/** Memory that was made elsewhere. */
class OpenMemory implements SharedMemoryView {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #chunkSizeBytes: number;
  readonly #writable: boolean;
  readonly #chunks: (MappedRange | undefined)[] = [];
  #isClosed = false;

  constructor({ processId, descriptor }: MemoryPlace, options: { chunkSizeBytes: number; access: 'read' | 'write' }) {
    this.#path = `/proc/${processId}/fd/${descriptor}`;
    this.#chunkSizeBytes = options.chunkSizeBytes;
    this.#writable = options.access === 'write';
    if (linkOf(this.#path)?.startsWith(LINK_BEGIN) !== true) {
      throw new KLaniError('NotFound', `Cannot open shared memory: process ${processId} has none at descriptor ${descriptor}`);
    }
    try {
      this.#descriptor = openSync(this.#path, this.#writable ? constants.O_RDWR : constants.O_RDONLY);
    } catch (cause) {
      throw systemError(cause, { action: 'open shared memory', path: this.#path, access: 'read' });
    }
  }

  chunk(index: number): ArrayBuffer | undefined {
    assert(!this.#isClosed, 'Cannot map shared memory: it is closed');
    const known = this.#chunks[index];
    if (known !== undefined) return known.buffer;
    const sizeBytes = this.#chunkSizeBytes;
    const offset = index * sizeBytes;
    if (offset + sizeBytes > fstatSync(this.#descriptor).size) return undefined;
    const range = { descriptor: this.#descriptor, path: this.#path, offset, sizeBytes, isMemory: true, writable: this.#writable };
    const chunk = new MappedRange(range);
    this.#chunks[index] = chunk;
    return chunk.buffer;
  }

  isOwned(): boolean {
    assert(!this.#isClosed, 'Cannot look at shared memory: it is closed');
    const own = fstatSync(this.#descriptor, { bigint: true });
    try {
      const { dev, ino } = statSync(this.#path, { bigint: true });
      return dev === own.dev && ino === own.ino;
    } catch (cause) {
      // Whatever the system says of the process: it is not the one that let this one in.
      systemError(cause, { action: 'look at shared memory', path: this.#path, access: 'read' });
      return false;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const chunk of this.#chunks) chunk?.close();
    closeSync(this.#descriptor);
  }
}

function read(path: string, missing: () => KLaniError): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (cause) {
    const error = systemError(cause, { action: 'read lock file', path, access: 'read' });
    throw error.code === 'NotFound' ? missing() : error;
  }
}

/** What a descriptor stands for; `undefined` when it is closed by now. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM');
}
