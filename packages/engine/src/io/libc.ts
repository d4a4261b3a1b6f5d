/**
 * The functions of the C library that Node does not offer. The library is loaded at the first call, not at import, so that programs on
 * platforms without it run as long as they do not need it.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { KLaniError } from '@k-lani/protocol';

/** Functions of the C library; addresses are BigInt. */
interface Libc {
  readonly flock: (descriptor: number, operation: number) => number;
  readonly mmap: (hint: null, sizeBytes: number, protection: number, flags: number, descriptor: number, offset: number) => bigint;
  readonly munmap: (address: bigint, sizeBytes: number) => number;
  /** The memory behind an address, as a buffer that the garbage collector never unmaps. */
  readonly view: (address: bigint, sizeBytes: number) => ArrayBuffer;
  /** The error number of the last failed call, as in C. */
  readonly errno: () => number;
  readonly library: Koffi.LibraryHandle;
}

/** What only Linux has: memory that is a file without a name in any directory. */
export interface MemoryCalls {
  readonly memfdCreate: (name: string, flags: number) => number;
  /** Reserves a range of a file, so that storing there cannot fail later. */
  readonly fallocate: (descriptor: number, mode: number, offset: number, sizeBytes: number) => number;
  /** Forbids changes of a file for good (`F_ADD_SEALS`). */
  readonly addSeals: (descriptor: number, seals: number) => number;
  readonly close: (descriptor: number) => number;
  /** The error number of the last failed call, as in C. */
  readonly errno: () => number;
}

/** The word for this processor in the name of musl's library. */
const MUSL_PROCESSORS: Readonly<Record<string, string>> = { arm64: 'aarch64', ia32: 'i386', riscv64: 'riscv64', x64: 'x86_64' };

const F_ADD_SEALS = 1033;

let found: Libc | KLaniError | undefined;
let foundMemory: MemoryCalls | undefined;

/**
 * The C library of this platform: Linux with glibc or musl, and macOS.
 *
 * @throws {KLaniError} Unsupported where it cannot be loaded; the reason is the cause
 */
export function libc(): Libc {
  found ??= findLibc();
  if (found instanceof KLaniError) throw new KLaniError(found.code, found.message, { cause: found.cause });
  return found;
}

/** Whether memory can be shared with other processes on this platform. */
export function memoryCallsAvailable(): boolean {
  return process.platform === 'linux' && !((found ??= findLibc()) instanceof KLaniError);
}

/** @throws {KLaniError} Unsupported on other platforms than Linux */
export function memoryCalls(): MemoryCalls {
  if (process.platform !== 'linux') {
    throw new KLaniError('Unsupported', `Cannot share memory: platform is ${process.platform}, must be Linux`);
  }
  return (foundMemory ??= loadMemoryCalls(libc().library));
}

function loadMemoryCalls(library: Koffi.LibraryHandle): MemoryCalls {
  const fcntl = library.func('int fcntl(int, int, ...)');
  return {
    memfdCreate: library.func('memfd_create', 'int', ['str', 'uint']),
    fallocate: library.func('fallocate', 'int', ['int', 'int', 'long', 'long']),
    addSeals: (descriptor, seals) => fcntl(descriptor, F_ADD_SEALS, 'int', seals),
    close: library.func('close', 'int', ['int']),
    errno: libc().errno,
  };
}

function findLibc(): Libc | KLaniError {
  const platform = `${process.platform} ${process.arch}`;
  const reasons: unknown[] = [];
  for (const name of libraryNames()) {
    try {
      return load(name);
    } catch (reason) {
      reasons.push(reason);
    }
  }
  const message = `Cannot load the C library: platform is ${platform}, must be Linux or macOS with the native part of koffi installed`;
  return new KLaniError('Unsupported', message, { cause: new AggregateError(reasons, 'no C library could be loaded') });
}

function libraryNames(): readonly string[] {
  if (process.platform === 'darwin') return ['libSystem.B.dylib'];
  if (process.platform === 'linux') return ['libc.so.6', `libc.musl-${MUSL_PROCESSORS[process.arch] ?? process.arch}.so.1`];
  return [];
}

function load(name: string): Libc {
  const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
  const library = koffi.load(name);
  return {
    flock: library.func('flock', 'int', ['int', 'int']),
    mmap: library.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'long']),
    munmap: library.func('munmap', 'int', ['void *', 'size_t']),
    view: (address, sizeBytes) => koffi.view(address, sizeBytes),
    errno: () => koffi.errno(),
    library,
  };
}
