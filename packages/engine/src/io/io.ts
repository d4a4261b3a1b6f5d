/**
 * The file system as the engine sees it. It is passed in: `NodeIo` adapts the real one, a simulation replaces it.
 *
 * 1. Nothing is durable before the sync that covers it has returned: `File.sync` for bytes, `Directory.sync` for names.
 * 2. An error that the system answers is a `KLaniError`; its message and its cause carry the system's own code and the path.
 * 3. Using what is closed, a position outside a view and a second `...Later` in flight are bugs of the caller: assertions.
 */
import type { KLaniError } from '@k-lani/protocol';

/** Called once, with the error or without one, never before the call that was given it has returned. */
export type Done = (error: KLaniError | undefined) => void;

/** A file system. */
export interface Io {
  /**
   * Opens a directory. With `create`, makes it and the ones above it where they are missing, and syncs their names.
   *
   * @throws {KLaniError} InvalidArgument; NotFound without `create`; ReadOnly where it cannot be made; Io for anything else, such as a file of that name
   */
  openDirectory(path: string, options: { readonly create: boolean }): Directory;
}

/** A directory of plain files. Names are single path components. */
export interface Directory {
  readonly path: string;

  /** The names in the directory, in the order of their UTF-16 code units. */
  list(): readonly string[];

  /**
   * Makes this process (and in it, this object) the only one that holds the directory's lock, a kernel lock on the file `lock`. It ends
   * with `close`, and with the process however that ends. One who may read `lock` and not write it can take it with access `read`, together
   * with others like it.
   *
   * @param access what the lock is for, `write` unless it is given
   * @throws {KLaniError} DirectoryLocked, with the process id of the holder in the message; ReadOnly, to read only where there is no `lock`
   *   and none can be made; Unsupported where no kernel lock can be reached
   */
  acquireLock(access?: 'write' | 'read'): void;

  /**
   * Makes an empty file, open for writing. Its name is durable after `sync`.
   *
   * @throws {KLaniError} Io (EEXIST) where the name is taken; ReadOnly; DiskFull
   */
  createFile(name: string): File;

  /** @throws {KLaniError} NotFound; ReadOnly for `write`; Io */
  openFile(name: string, mode: 'read' | 'write'): File;

  /** Gives a file another name, in one step, in place of whatever had that name. Durable after `sync`. */
  rename(from: string, to: string): void;

  /** Takes the name away; open files and views of it go on. Durable after `sync`. */
  remove(name: string): void;

  /** As `remove`, off this thread: to give back the room of a large file takes long. A file system for which that is not so goes without. */
  removeLater?(name: string, done: Done): void;

  /** Returns when every name created, renamed and removed before is on stable storage (`fsync` of the directory). */
  sync(): void;

  /** Memory that other threads and processes can map; absent where the platform has none. */
  readonly sharing?: MemorySharing | undefined;

  /** Releases the lock. Files and views stay open. Closing again does nothing. */
  close(): void;
}

/** Where memory is found on this host: a descriptor of the process that made it. It can be sent to a thread or a process. */
export interface MemoryPlace {
  readonly processId: number;
  readonly descriptor: number;
}

/**
 * Memory that is shared under a name in a directory. It is no file there: it lasts as long as somebody uses it, and leaves nothing behind,
 * however its users end.
 */
export interface MemorySharing {
  /**
   * Makes empty memory.
   *
   * @param name a word, by which `find` finds it as long as this process holds the directory's lock
   * @throws {KLaniError} Io
   */
  create(name: string, chunkSizeBytes: number): SharedMemory;

  /**
   * Where the process that holds the directory's lock has memory of this name, the newest last.
   *
   * @throws {KLaniError} NotFound where no process holds the lock; Io where it may not be looked at, because it is another user's
   */
  find(name: string): readonly MemoryPlace[];

  /**
   * Opens memory that this or another process made.
   *
   * @throws {KLaniError} NotFound where it is no more; Io where it may not be opened
   */
  open(place: MemoryPlace, options: { readonly chunkSizeBytes: number; readonly access: 'read' | 'write' }): SharedMemoryView;
}

/** Memory in chunks of one size, as its maker has it. */
export interface SharedMemory {
  readonly place: MemoryPlace;

  /** Adds a chunk of zeros at the end. Storing there cannot fail. @throws {KLaniError} LimitReached where there is no memory left; Io */
  addChunk(): ArrayBuffer;

  /** Ends its use here: buffers are empty afterwards. Closing again does nothing. */
  close(): void;
}

/** The same memory, as somebody else has it. Storing to what was opened with access `read` is a fatal signal. */
export interface SharedMemoryView {
  /** The chunk at `index`; `undefined` as long as there is none. @throws {KLaniError} Io */
  chunk(index: number): ArrayBuffer | undefined;

  /** Whether its maker lives and has not closed it: a system call. */
  isOwned(): boolean;

  /** Ends its use here: buffers are empty afterwards. Closing again does nothing. */
  close(): void;
}

/** An open file. */
export interface File {
  readonly path: string;

  /** The size now, in bytes. */
  sizeBytes(): number;

  /**
   * Reads from `position` until `target` is full or the file ends.
   *
   * @returns how many bytes were read; fewer than `target.length` only at the end of the file
   */
  read(target: Uint8Array, position: number): number;

  /**
   * Writes all of `bytes` at `position`. `bytes` is the caller's again on return. After an error any part of it may have been written.
   *
   * @throws {KLaniError} DiskFull (ENOSPC, EDQUOT); ReadOnly; Io
   */
  write(bytes: Uint8Array, position: number): void;

  /** `write` off this thread. `bytes` is the caller's again when `done` is called. One `...Later` of a file at a time. */
  writeLater(bytes: Uint8Array, position: number, done: Done): void;

  /** Returns when everything written before is on stable storage (`fdatasync`). After an error none of it can be relied on. */
  sync(): void;

  /** `sync` off this thread: covers what was written before the call. One `...Later` of a file at a time. */
  syncLater(done: Done): void;

  /**
   * Writes zeros over `[0, sizeBytes)` off this thread and syncs them and the size, so that later syncs inside flush data and no metadata.
   * Goes step by step, so that a sync of another file meanwhile waits for one step at most.
   * After an error the file has some size up to that: remove it. One `...Later` of a file at a time.
   */
  fillLater(sizeBytes: number, done: Done): void;

  /**
   * A window on the bytes of the file as they are now and become, up to its present size. The file must have its full size before,
   * and must never be truncated after: a mapping of a missing page is a fatal signal. The view outlives the file.
   */
  openView(): FileView;

  /**
   * Ends the use of this object. A `writeLater` or `syncLater` in flight still ends by itself, a `fillLater` is cut off with `Closed`; both call back.
   * Closing again does nothing.
   */
  close(): void;
}

/** A reading window on a file: a shared mapping, or positioned reads into a scratch buffer. Never store to it. */
export interface FileView {
  /** Whether `bytes` and `view` are the whole file for as long as the view is open, so that one `at()` makes all of it readable. */
  readonly isWhole: boolean;

  /** Read it after each `at()`: `at()` may replace it. */
  readonly bytes: Uint8Array;

  /** The same bytes; read it after each `at()`. */
  readonly view: DataView;

  /**
   * Makes `[position, position + length)` of the file readable, as the file is at this moment, until the next `at()`. Asserts that it lies
   * inside the size that the file had when the view was opened.
   *
   * @returns the index of `position` in `bytes` and `view`
   */
  at(position: number, length: number): number;

  /** Ends the view. After it, every access asserts, and bytes kept from before are empty. Closing again does nothing. */
  close(): void;
}
