import { KLaniError } from '@k-lani/protocol';
import { libc } from './libc.ts';

/** `F_DUPFD_CLOEXEC` of fcntl(2), by platform. */
const F_DUPFD_CLOEXEC = process.platform === 'darwin' ? 67 : 1030;

let fcntl: ((descriptor: number, command: number, type: 'int', lowest: number) => number) | undefined;

/**
 * Another descriptor of the same open file or socket, which no child process inherits. It is closed by itself, before or after the first.
 *
 * @throws {KLaniError} Unsupported where there is no C library; Io when the process has too many open files
 */
export function duplicateDescriptor(descriptor: number): number {
  fcntl ??= libc().library.func('int fcntl(int, int, ...)');
  const duplicate = fcntl?.(descriptor, F_DUPFD_CLOEXEC, 'int', 0) ?? -1;
  if (duplicate < 0) throw new KLaniError('Io', `Cannot duplicate descriptor ${descriptor}: error number ${libc().errno()}`);
  return duplicate;
}
