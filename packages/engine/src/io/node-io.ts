/** The real file system, through `node:fs` and, for mappings and locks, the C library. */
import { mkdirSync, opendirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Io } from './io.ts';
import { libc, memoryCallsAvailable } from './libc.ts';
import { mappingAvailable } from './mapping.ts';
import { NodeDirectory, syncDirectory } from './node-directory.ts';
import { systemError } from './system-error.ts';

/** The owner writes, the group may read, others see nothing of the rows. */
const DIRECTORY_MODE = 0o750;

/** The file system of this machine. */
export class NodeIo implements Io {
  readonly #mapping: boolean;

  /**
   * @param options.mapping whether files are read through shared mappings, and memory is shared by them; by default, wherever the platform allows it
   * @throws {KLaniError} Unsupported when mappings are demanded and the platform has none
   */
  constructor({ mapping }: { readonly mapping?: boolean } = {}) {
    if (mapping === true) libc();
    this.#mapping = mapping ?? mappingAvailable();
  }

  openDirectory(path: string, { create }: { readonly create: boolean }): Directory {
    if (path === '' || path.includes('\0')) {
      throw new KLaniError(
        'InvalidArgument',
        `Cannot open directory: path is ${JSON.stringify(path)}, must be a non-empty path without NUL`,
      );
    }
    const absolute = resolve(path);
    try {
      if (create) makeDirectory(absolute);
      // Refuses at once what is missing or not a directory.
      opendirSync(absolute).closeSync();
    } catch (cause) {
      throw systemError(cause, {
        action: create ? 'create directory' : 'open directory',
        path: absolute,
        access: create ? 'write' : 'read',
      });
    }
    return new NodeDirectory(absolute, { mapping: this.#mapping, sharing: this.#mapping && memoryCallsAvailable() });
  }
}

/** Makes a directory and those above it, and syncs each new name. */
function makeDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}
