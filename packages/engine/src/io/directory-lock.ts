/**
 * One writing process a directory.
 *
 * 1. The lock is the kernel's (`flock`), so it ends with its holder, however that ends: there are no stale locks.
 * 2. The process id in the file only serves the message to whoever is refused. It is written after the lock is taken and never cleared, so
 *    it may be missing or that of an earlier holder, who is usually dead, for the moment between the two. A reader who may not write the
 *    file leaves it as it is.
 * 3. The text has a fixed length and is overwritten in place, so a full disk keeps nobody from opening a directory that was locked before.
 */
import { constants } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { KLaniError } from '@k-lani/protocol';
import { Descriptor } from './descriptor.ts';
import { libc } from './libc.ts';
import { systemCallError, systemError } from './system-error.ts';

/** The same numbers on Linux and macOS. */
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const PROCESS_ID_LENGTH = 15;
/** How long a refusal waits for the id of a holder who has only just taken the lock. */
const HOLDER_WAITS_MAX = 50;
const HOLDER_WAIT_MS = 2;

const { EAGAIN, ENOSYS, EOPNOTSUPP, EWOULDBLOCK } = systemConstants.errno;

/** The lock of a directory, held. */
export class DirectoryLock {
  readonly #descriptor: Descriptor;

  private constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
  }

  /**
   * Takes the lock on the file at `path`, which is made where it is missing; never waits for its holder. A second lock in the
   * same process is refused like any other.
   *
   * @throws {KLaniError} DirectoryLocked; ReadOnly; DiskFull where the file is new; Unsupported where no kernel lock can be reached
   */
  static acquire(path: string): DirectoryLock {
    const flags = constants.O_RDWR | constants.O_CREAT;
    const lock = new DirectoryLock(locked(new Descriptor(path, flags, { action: 'open lock file', access: 'write' }), LOCK_EX));
    try {
      lock.#descriptor.write(new TextEncoder().encode(`${String(process.pid).padEnd(PROCESS_ID_LENGTH)}\n`), 0);
    } catch (error) {
      lock.release();
      throw error;
    }
    return lock;
  }

  /**
   * As `acquire`, for a process that only reads and may not be allowed to write the file: it then shares the lock with others like it, and
   * a holder from `acquire` still keeps it out, as it keeps out whoever calls `acquire`.
   *
   * @throws {KLaniError} as `acquire`; ReadOnly only where the file is missing and cannot be made; Io where it may not even be read
   */
  static acquireToRead(path: string): DirectoryLock {
    try {
      return DirectoryLock.acquire(path);
    } catch (error) {
      if (!isCoded(error, 'ReadOnly')) throw error;
      return new DirectoryLock(locked(openToRead(path, error), LOCK_SH));
    }
  }

  /** Gives the lock back. */
  release(): void {
    this.#descriptor.release();
  }
}

/** @throws `refused` where there is no file */
function openToRead(path: string, refused: unknown): Descriptor {
  try {
    return new Descriptor(path, constants.O_RDONLY, { action: 'open lock file', access: 'read' });
  } catch (error) {
    throw isCoded(error, 'NotFound') ? refused : error;
  }
}

/** The descriptor, with a lock on its file; closed where that is refused. */
function locked(descriptor: Descriptor, operation: number): Descriptor {
  try {
    const { flock, errno } = libc();
    if (flock(descriptor.number, operation | LOCK_NB) !== 0) throw refusal(descriptor, errno());
    return descriptor;
  } catch (error) {
    descriptor.release();
    throw error;
  }
}

function isCoded(error: unknown, code: KLaniError['code']): boolean {
  return error instanceof KLaniError && error.code === code;
}

function refusal(descriptor: Descriptor, errno: number): KLaniError {
  const { path } = descriptor;
  if (errno === EWOULDBLOCK || errno === EAGAIN) {
    const holder = readHolder(descriptor);
    return new KLaniError('DirectoryLocked', `Cannot lock directory: ${holder} has it open for writing, lock file is ${path}`);
  }
  const cause = systemCallError('flock', errno, path);
  if (errno === ENOSYS || errno === EOPNOTSUPP) {
    return new KLaniError('Unsupported', `Cannot lock directory: its file system has no locks, lock file is ${path}`, { cause });
  }
  return systemError(cause, { action: 'lock directory', path, access: 'write' });
}

/** Names the holder; waits a moment for a living one to have written its id. */
function readHolder(descriptor: Descriptor): string {
  const bytes = new Uint8Array(PROCESS_ID_LENGTH);
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  let processId = 0;
  for (let waits = 0; waits < HOLDER_WAITS_MAX; waits += 1) {
    const length = descriptor.read(bytes, 0);
    processId = Number(new TextDecoder().decode(bytes.subarray(0, length)));
    if (isAlive(processId)) return `process ${processId}`;
    Atomics.wait(sleeper, 0, 0, HOLDER_WAIT_MS);
  }
  // The holder may live where this process cannot see it, such as in another container.
  return isProcessId(processId) ? `process ${processId}` : 'another process';
}

function isProcessId(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function isAlive(processId: number): boolean {
  if (!isProcessId(processId)) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
