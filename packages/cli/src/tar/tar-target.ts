/** A backup as a tar stream: the manifest, if there is one, then the segments in their full size. `tar` reads it too. */
import { randomUUID } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createTarPacker, type TarPackController } from 'modern-tar';
import {
  encodeManifest,
  MANIFEST_NAME,
  NodeIo,
  segmentName,
  type BackupSegment,
  type BackupTarget,
  type Io,
  type Manifest,
} from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';

/** What is handed to the stream at once, bytes. */
const CHUNK_BYTES = 1024 * 1024;
const ZEROS = new Uint8Array(CHUNK_BYTES);
const FILE_MODE = 0o640;

/** Where the bytes go, and what makes them last. */
interface Sink {
  readonly path: string;
  readonly stream: Writable;
  readonly keep: () => void;
  readonly discard: () => void;
}

export class TarTarget implements BackupTarget {
  readonly path: string;
  readonly #sink: Sink;
  readonly #packer: TarPackController;
  readonly #written: Promise<void>;
  #isBegun = false;
  #isFinished = false;

  /** A stream to standard output. */
  static toOutput(): TarTarget {
    return new TarTarget({ path: 'standard output', stream: process.stdout, keep: () => undefined, discard: () => undefined });
  }

  /** A new file, synced; it has its name only when it is complete, and then for good. */
  static toFile(path: string, io: Io = new NodeIo()): TarTarget {
    const whole = resolve(path);
    const partial = `${whole}.${randomUUID()}.partial`;
    const stream = createWriteStream(partial, { flags: 'wx', mode: FILE_MODE, flush: true, highWaterMark: 4 * CHUNK_BYTES });
    const keep = (): void => rename(io, partial, whole);
    return new TarTarget({ path: whole, stream, keep, discard: () => rmSync(partial, { force: true }) });
  }

  private constructor(sink: Sink) {
    this.path = sink.path;
    this.#sink = sink;
    const { readable, controller } = createTarPacker();
    this.#packer = controller;
    this.#written = pipeline(Readable.fromWeb(readable as import('node:stream/web').ReadableStream), sink.stream).catch(ioError(sink.path));
    // Told by `finish`, or by whatever is put next.
    this.#written.catch(() => undefined);
  }

  held(): undefined {
    if (this.#isBegun) this.beginAnew();
  }

  beginAnew(): never {
    const what = 'the database has given up segments that were to follow';
    throw new KLaniError('SnapshotExpired', `Cannot go on with the stream to ${this.path}: ${what}; begin anew`);
  }

  async putManifest(manifest: Manifest): Promise<void> {
    const bytes = encodeManifest(manifest);
    await this.#put(MANIFEST_NAME, bytes, bytes.length);
  }

  async putSegment({ index, bytes, sizeBytes }: BackupSegment): Promise<void> {
    await this.#put(segmentName(index), bytes, sizeBytes);
  }

  async finish(): Promise<void> {
    this.#packer.finalize();
    await this.#written;
    this.#sink.keep();
    this.#isFinished = true;
  }

  close(): void {
    if (this.#isFinished) return;
    this.#packer.error(new Error('the backup did not end'));
    this.#sink.discard();
  }

  async #put(name: string, bytes: Uint8Array, sizeBytes: number): Promise<void> {
    this.#isBegun = true;
    const writer = this.#packer.add({ name, size: sizeBytes, mode: FILE_MODE, type: 'file' }).getWriter();
    const write = async (): Promise<void> => {
      for (let offset = 0; offset < sizeBytes;) {
        // A copy: the stream may hold it for longer than this call.
        const chunk = offset < bytes.length ? bytes.slice(offset, offset + CHUNK_BYTES) : ZEROS.subarray(0, sizeBytes - offset);
        await writer.write(chunk);
        offset += chunk.length;
      }
      await writer.close();
    };
    await Promise.race([write().catch(() => this.#written), this.#written.then(() => Promise.reject(new Error('the stream ended')))]);
  }
}

/** Gives a file its name, durable when this returns. */
function rename(io: Io, from: string, to: string): void {
  const directory = io.openDirectory(dirname(to), { create: false });
  try {
    directory.rename(basename(from), basename(to));
    directory.sync();
  } finally {
    directory.close();
  }
}

/** From an error of the system to one of k-lani. */
function ioError(path: string): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause;
    const code = cause.code === 'ENOSPC' || cause.code === 'EDQUOT' ? 'DiskFull' : 'Io';
    throw new KLaniError(code, `Cannot write ${path}: ${cause.message}`, { cause });
  };
}
