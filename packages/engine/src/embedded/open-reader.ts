/** The doors for those who only read, in other threads and processes. */
import type { Clock, Scheduler } from '@k-lani/base';
import { SharedReader, findShared, type SharedHandle } from '../database/shared-reader.ts';
import type { Io } from '../io/io.ts';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { ReaderDatabase } from './reader-database.ts';

/** Options of {@link openReader} and {@link attachReader}. */
export interface ReaderOptions {
  readonly io?: Io;
  readonly clock?: Clock & Scheduler;
}

/**
 * Opens the database in `path`, which another process of this host has open for writing, for reading: from the memory and the files of that
 * process, without talking to it. Linux only, and only as the user that the process runs as, or root.
 *
 * @example
 * const reader = await openReader('./data');
 * const seats = await reader.table(schema);
 * seats.queryIntersect([{ field: 'is_booked', eq: false }]);
 *
 * @throws {KLaniError} NotFound where no process has it open for writing; Overloaded where one is opening it; Io where that is another user's;
 *   Unsupported; FormatUnsupported where it is of another version
 */
export async function openReader(path: string, options: ReaderOptions = {}): Promise<ReaderDatabase> {
  const io = options.io ?? new NodeIo();
  const directory = io.openDirectory(path, { create: false });
  try {
    return attachReader(findShared(directory), { ...options, io });
  } finally {
    directory.close();
  }
}

/**
 * Reads a database of this process in another thread, or of another process, by the handle that its `share()` gave.
 *
 * @throws {KLaniError} Closed where the database is closed; Unsupported, FormatUnsupported, Io
 */
export function attachReader(handle: SharedHandle, options: ReaderOptions = {}): ReaderDatabase {
  const clock = options.clock ?? new NodeClock();
  return new ReaderDatabase(SharedReader.attach(handle, { io: options.io ?? new NodeIo(), clock }), clock);
}
