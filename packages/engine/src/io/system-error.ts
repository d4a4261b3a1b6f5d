/** From the codes of the operating system to those of k-lani. */
import { constants } from 'node:os';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { KLaniError, type ErrorCode } from '@k-lani/protocol';

/** What the system was asked for when it refused. */
export interface Attempt {
  /** Ends the sentence "Cannot …". */
  readonly action: string;
  readonly path: string;
  /** What was wanted: to look, to change something, or to know that what was changed is on stable storage. */
  readonly access: 'read' | 'write' | 'sync';
}

interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
}

/**
 * The coded error for a refusal of the system, with the system's code and the path in its message and the refusal as its cause.
 *
 * @throws `cause` itself when it does not come from the system: that is a bug, and stays one
 */
export function systemError(cause: unknown, { action, path, access }: Attempt): KLaniError {
  if (!isSystemError(cause)) throw cause;
  const systemCode = nameOf(cause.errno);
  const reason = `${systemCode} (${getSystemErrorMessage(cause.errno) ?? 'no description'})`;
  return new KLaniError(codeOf(systemCode, access), `Cannot ${action}: ${reason}, path is ${path}`, { cause });
}

/** An error like those of `node:fs`, for a call that went past it. `errno` is positive, as in C. */
export function systemCallError(call: string, errno: number, path: string): Error {
  const code = nameOf(-errno);
  const error = new Error(`${code}: ${getSystemErrorMessage(-errno) ?? 'no description'}, ${call} '${path}'`);
  return Object.assign(error, { code, errno: -errno, syscall: call, path });
}

function isSystemError(cause: unknown): cause is SystemError {
  if (!(cause instanceof Error) || !('code' in cause) || !('errno' in cause)) return false;
  return typeof cause.code === 'string' && typeof cause.errno === 'number';
}

/** The name of a negative error number. Node has none for a full quota. */
function nameOf(errno: number): string {
  return errno === -constants.errno.EDQUOT ? 'EDQUOT' : getSystemErrorName(errno);
}

function codeOf(systemCode: string, access: Attempt['access']): ErrorCode {
  // A failed sync leaves open what was written, so not even a full disk may look like "nothing was written".
  if (access === 'sync') return 'Io';
  switch (systemCode) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'DiskFull';
    case 'EROFS':
      return 'ReadOnly';
    case 'EACCES':
    case 'EPERM':
      return access === 'write' ? 'ReadOnly' : 'Io';
    case 'ENOENT':
      return 'NotFound';
    default:
      return 'Io';
  }
}
