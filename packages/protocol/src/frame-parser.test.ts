import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from './bytes-writer.ts';
import { KLaniError, type ErrorCode } from './errors.ts';
import { FrameParser, type FrameParserOptions } from './frame-parser.ts';
import { beginFrame, endFrame } from './frame-writer.ts';
import { FRAME_FLAG_ANSWER, FRAME_HEADER_SIZE } from './frame.ts';
import { Opcode } from './opcode.ts';

function frame({ payload = [], opcode = Opcode.Seek, flags = 0, status = 0, requestId = 7, waitMs = 0 }: Partial<FrameFields>): Uint8Array {
  const writer = new ByteWriter();
  const start = beginFrame(writer, opcode, flags, status, requestId, waitMs);
  writer.append(Uint8Array.from(payload));
  endFrame(writer, start);
  return writer.bytes.slice(0, writer.length);
}

interface FrameFields {
  readonly payload: readonly number[];
  readonly opcode: number;
  readonly flags: number;
  readonly status: number;
  readonly requestId: number;
  readonly waitMs: number;
}

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

function parse(bytes: Uint8Array, options: Partial<FrameParserOptions> = {}): FrameParser {
  const parser = new FrameParser({ direction: 'requests', ...options });
  parser.push(bytes);
  return parser;
}

test('FrameParser gives all fields of a frame', () => {
  const parser = parse(frame({ payload: [1, 2, 3], flags: FRAME_FLAG_ANSWER, status: 2, requestId: 0xffff_ffff, waitMs: 1500 }), {
    direction: 'answers',
  });
  assert.equal(parser.next(), true);
  const { opcode, status, requestId, waitMs } = parser;
  assert.deepEqual({ opcode, status, requestId, waitMs }, { opcode: Opcode.Seek, status: 2, requestId: 0xffff_ffff, waitMs: 1500 });
  assert.deepEqual([...parser.bytes.subarray(parser.payloadStart, parser.payloadEnd)], [1, 2, 3]);
  assert.equal(parser.view.getUint8(parser.payloadStart), 1);
  assert.equal(parser.next(), false);
});

test('FrameParser gives a frame that lies in one chunk without copying it', () => {
  const buffer = new Uint8Array(100);
  const bytes = frame({ payload: [9] });
  buffer.set(bytes, 30);
  const parser = parse(buffer.subarray(30, 30 + bytes.length));
  assert.equal(parser.next(), true);
  assert.equal(parser.bytes.buffer, buffer.buffer);
  assert.equal(parser.bytes[parser.payloadStart], 9);
});

test('FrameParser waits for the rest of a frame, however it is cut', () => {
  const bytes = frame({ payload: Array.from({ length: 300 }, (_, index) => index & 0xff), requestId: 5 });
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const parser = parse(bytes.slice(0, cut));
    assert.equal(parser.next(), false);
    assert.equal(parser.pendingBytes, cut);
    parser.push(bytes.slice(cut));
    assert.equal(parser.next(), true);
    assert.equal(parser.requestId, 5);
    assert.deepEqual(parser.bytes.subarray(parser.payloadStart, parser.payloadEnd), bytes.subarray(FRAME_HEADER_SIZE));
    assert.equal(parser.next(), false);
    assert.equal(parser.pendingBytes, 0);
  }
});

test('FrameParser refuses a length below the header and above the limit', () => {
  const short = frame({});
  short[0] = 15;
  assert.throws(() => parse(short).next(), refusal('Protocol', /length is 15 bytes, must be >= 16/));
  const long = frame({ payload: [1, 2], requestId: 8 });
  const parser = parse(long, { maxFrameBytes: 17 });
  assert.throws(() => parser.next(), refusal('FrameTooLarge', /length is 18 bytes, must be <= 17/));
  assert.equal(parser.requestId, 8);
});

test('FrameParser refuses a length as soon as its four bytes are there', () => {
  const parser = parse(Uint8Array.of(0xff, 0xff, 0xff));
  assert.equal(parser.next(), false);
  parser.push(Uint8Array.of(0x7f));
  assert.throws(() => parser.next(), refusal('FrameTooLarge', /length is 2147483647 bytes, must be <= 16777216/));
  assert.equal(parser.requestId, 0);
});

test('FrameParser keeps no more for an unfinished frame than twice what has arrived of it', () => {
  const declared = new Uint8Array(FRAME_HEADER_SIZE + 100);
  new DataView(declared.buffer).setUint32(0, 16 * 1024 * 1024, true);
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 64 }, () => parse(declared));
  for (const parser of parsers) assert.equal(parser.next(), false);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
});

test('FrameParser refuses frames of the other direction and unknown flags', () => {
  const answer = frame({ flags: FRAME_FLAG_ANSWER });
  assert.throws(() => parse(answer).next(), refusal('Protocol', /flags are 1, must be 0/));
  assert.throws(() => parse(frame({}), { direction: 'answers' }).next(), refusal('Protocol', /flags are 0, must be 1/));
  assert.throws(() => parse(frame({ flags: 2 })).next(), refusal('Protocol', /flags are 2, must be 0/));
});

test('FrameParser refuses a request with a status', () => {
  assert.throws(() => parse(frame({ status: 4 })).next(), refusal('Protocol', /status is 4, must be 0 in a request/));
});

test('FrameParser gives no frame after a refused one', () => {
  const parser = parse(new Uint8Array([...frame({ status: 4 }), ...frame({})]));
  assert.throws(() => parser.next(), refusal('Protocol', /status is 4/));
  assert.throws(() => parser.next(), refusal('Protocol', /one before it was refused/));
});
