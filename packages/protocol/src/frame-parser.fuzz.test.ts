import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { ByteWriter } from './bytes-writer.ts';
import { KLaniError } from './errors.ts';
import { FrameParser } from './frame-parser.ts';
import { beginFrame, endFrame } from './frame-writer.ts';
import { FRAME_HEADER_SIZE } from './frame.ts';

const MAX_FRAME_BYTES = 2000;

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const frames = fc.array(
  fc.record(
    {
      opcode: fc.integer({ min: 0, max: 255 }),
      requestId: u32,
      waitMs: u32,
      payload: fc.uint8Array({ maxLength: MAX_FRAME_BYTES - FRAME_HEADER_SIZE }),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 12 },
);

/** Cuts bytes into chunks of the given sizes, over and over. */
function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let start = 0;
  for (let index = 0; start < bytes.length; index += 1) {
    const end = Math.min(bytes.length, start + (sizes[index % sizes.length] ?? 1));
    yield bytes.slice(start, end);
    start = end;
  }
}

test('FrameParser gives the frames that were written, however the stream is cut', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (written, sizes) => {
      const writer = new ByteWriter();
      for (const { opcode, requestId, waitMs, payload } of written) {
        const start = beginFrame(writer, opcode, 0, 0, requestId, waitMs);
        writer.append(payload);
        endFrame(writer, start);
      }
      const parser = new FrameParser({ direction: 'requests', maxFrameBytes: MAX_FRAME_BYTES });
      const read: typeof written = [];
      for (const chunk of chunksOf(writer.bytes.subarray(0, writer.length), sizes)) {
        parser.push(chunk);
        while (parser.next()) {
          const { opcode, requestId, waitMs } = parser;
          read.push({ opcode, requestId, waitMs, payload: parser.bytes.slice(parser.payloadStart, parser.payloadEnd) });
        }
        // Whoever reads into one buffer again and again writes over what was used up.
        chunk.fill(0xee);
      }
      assert.deepEqual(read, written);
      assert.equal(parser.pendingBytes, 0);
    }),
  );
});

test('FrameParser answers any bytes with frames inside the limit or a coded error', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), fc.integer({ min: 16, max: 80 }), (chunks, maxFrameBytes) => {
      const parser = new FrameParser({ direction: 'requests', maxFrameBytes });
      try {
        for (const chunk of chunks) {
          parser.push(chunk);
          while (parser.next()) assert.ok(parser.payloadEnd - parser.payloadStart + FRAME_HEADER_SIZE <= maxFrameBytes);
        }
      } catch (error) {
        assert.ok(error instanceof KLaniError && (error.code === 'Protocol' || error.code === 'FrameTooLarge'));
      }
    }),
    { numRuns: 1000 },
  );
});
