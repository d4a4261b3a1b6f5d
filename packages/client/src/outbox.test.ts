import assert from 'node:assert/strict';
import test from 'node:test';
import { type ByteWriter, FrameParser, KLaniError, Opcode } from '@k-lani/protocol';
import { Outbox } from './outbox.ts';
import { Call } from './call.ts';
import { Request } from './request.ts';

/** A request of so many bytes, all the same. */
class Filled extends Call<void> {
  readonly opcode = Opcode.SystemGetStats;
  readonly #sizeBytes: number;
  readonly #byte: number;

  constructor(sizeBytes: number, byte: number) {
    super();
    this.#sizeBytes = sizeBytes;
    this.#byte = byte;
  }

  encode(writer: ByteWriter): void {
    const start = writer.reserve(this.#sizeBytes);
    writer.bytes.fill(this.#byte, start, start + this.#sizeBytes);
    if (this.#byte === 0xff) throw new KLaniError('InvalidArgument', 'no such byte');
  }

  decode(): void {}
}

function filled(sizeBytes: number, byte: number): Request {
  return new Request(new Filled(sizeBytes, byte), undefined);
}

/** Encodes a request with this id. */
function encode(outbox: Outbox, request: Request, id: number): void {
  outbox.encode(request, 1000);
  request.id = id;
  outbox.stamp(request);
}

/** The ids and first bytes of the frames. */
function framesOf(bytes: Uint8Array): { id: number; sizeBytes: number; byte: number | undefined }[] {
  const parser = new FrameParser({ direction: 'requests' });
  const frames: { id: number; sizeBytes: number; byte: number | undefined }[] = [];
  parser.push(bytes);
  while (parser.next()) {
    const { requestId: id, payloadStart, payloadEnd } = parser;
    frames.push({ id, sizeBytes: payloadEnd - payloadStart, byte: parser.bytes[payloadStart] });
  }
  assert.equal(parser.pendingBytes, 0);
  return frames;
}

test('Outbox gives what was encoded since the last time, in one range', () => {
  const outbox = new Outbox();
  assert.equal(outbox.take().length, 0);
  encode(outbox, filled(5, 1), 11);
  encode(outbox, filled(6, 2), 12);
  assert.deepEqual(framesOf(outbox.take()), [
    { id: 11, sizeBytes: 5, byte: 1 },
    { id: 12, sizeBytes: 6, byte: 2 },
  ]);
  assert.equal(outbox.take().length, 0);
});

test('Outbox leaves no trace of a request that cannot be encoded, or is too large', () => {
  const outbox = new Outbox();
  outbox.limitFrames(1024);
  encode(outbox, filled(5, 1), 11);
  assert.throws(() => outbox.encode(filled(9, 0xff), 1000), { code: 'InvalidArgument' });
  assert.throws(() => outbox.encode(filled(1009, 3), 1000), { code: 'FrameTooLarge' });
  encode(outbox, filled(1008, 4), 12);
  assert.deepEqual(framesOf(outbox.take()), [
    { id: 11, sizeBytes: 5, byte: 1 },
    { id: 12, sizeBytes: 1008, byte: 4 },
  ]);
});

test('Outbox takes frames as large as the server does', () => {
  const outbox = new Outbox();
  const sizeBytes = 30 * 1024 * 1024;
  assert.throws(() => outbox.encode(filled(sizeBytes, 1), 1000), { code: 'FrameTooLarge' });
  outbox.limitFrames(32 * 1024 * 1024);
  encode(outbox, filled(sizeBytes, 1), 11);
  assert.equal(outbox.take().length, 16 + sizeBytes);
});

test('Outbox keeps what has left as it was, over many slabs and frames larger than one', () => {
  const outbox = new Outbox();
  const taken: { bytes: Uint8Array; copy: Uint8Array }[] = [];
  for (let id = 0; id < 400; id += 1) {
    encode(outbox, filled(id % 50 === 7 ? 200_000 : 700, id % 100), id);
    if (!outbox.isFull && id % 3 !== 0) continue;
    const bytes = outbox.take();
    taken.push({ bytes, copy: bytes.slice() });
  }
  taken.push({ bytes: outbox.take(), copy: new Uint8Array() });
  for (const { bytes, copy } of taken.slice(0, -1)) assert.deepEqual(bytes, copy);
  const frames = taken.flatMap(({ bytes }) => framesOf(bytes));
  assert.deepEqual(
    frames.map(({ id, byte }) => ({ id, byte })),
    Array.from({ length: 400 }, (_, id) => ({ id, byte: id % 100 })),
  );
});

test('Outbox sends a request that was withdrawn, and one that was sent before, with their present ids', () => {
  const outbox = new Outbox();
  const [waiting, sent] = [filled(5, 1), filled(6, 2)];
  outbox.encode(waiting, 1000);
  outbox.withdraw(waiting);
  encode(outbox, sent, 11);
  assert.deepEqual(framesOf(outbox.take()), [{ id: 11, sizeBytes: 6, byte: 2 }]);
  for (const [request, id] of [
    [waiting, 21],
    [sent, 22],
  ] as const) {
    outbox.append(request, 500);
    request.id = id;
    outbox.stamp(request);
  }
  assert.deepEqual(framesOf(outbox.take()), [
    { id: 21, sizeBytes: 5, byte: 1 },
    { id: 22, sizeBytes: 6, byte: 2 },
  ]);
});
