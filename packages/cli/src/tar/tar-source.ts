/** A backup that came as a tar stream. */
import { createReadStream, statSync } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createTarDecoder } from 'modern-tar';
import type { BackupFile, BackupSource } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';

const READ_BYTES = 1024 * 1024;

export class TarSource implements BackupSource {
  readonly path: string;
  readonly sizeBytes: number | undefined;
  readonly #input: Readable;

  static fromInput(): TarSource {
    return new TarSource('standard input', process.stdin, undefined);
  }

  /** @throws {KLaniError} NotFound, Io */
  static fromFile(path: string): TarSource {
    return new TarSource(path, createReadStream(path, { highWaterMark: READ_BYTES }), statSync(path).size);
  }

  private constructor(path: string, input: Readable, sizeBytes: number | undefined) {
    this.path = path;
    this.#input = input;
    this.sizeBytes = sizeBytes;
  }

  async *files(): AsyncGenerator<BackupFile> {
    const { readable, writable } = createTarDecoder({ strict: true });
    let failure: unknown;
    const feeding = (Readable.toWeb(this.#input) as globalThis.ReadableStream<Uint8Array>).pipeTo(writable).catch((error: unknown) => {
      failure = error;
    });
    let count = 0;
    try {
      for await (const { header, body } of readable as ReadableStream<{ header: { name: string }; body: ReadableStream<Uint8Array> }>) {
        count += 1;
        yield { name: posix.basename(header.name), chunks: this.#chunksOf(body) };
        if (!body.locked) await body.cancel();
      }
      await feeding;
    } catch (cause) {
      throw this.#damaged(failure ?? cause);
    }
    if (failure !== undefined) throw this.#damaged(failure);
    if (count === 0) throw this.#damaged(new Error('nothing is in it'));
  }

  async *#chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      throw this.#damaged(cause);
    }
  }

  close(): void {
    this.#input.destroy();
  }

  #damaged(cause: unknown): KLaniError {
    if (cause instanceof KLaniError) return cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new KLaniError('Damaged', `Cannot restore from ${this.path}: it is no whole tar archive: ${reason}`, { cause });
  }
}
