/** Frames found in a stream that is cut anywhere, against the frames that were put into it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { beginFrame, ByteWriter, endFrame, FRAME_FLAG_ANSWER } from '@k-lani/protocol';
import { FrameCutter } from './frame-cutter.ts';

const RUNS = 300;

test('However a stream is cut, every frame is told once, with its header, where it ends, and whole where it lies in one chunk', () => {
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const random = new SeededRandom(seed);
    const writer = new ByteWriter();
    const sent: { opcode: number; status: number; start: number; end: number }[] = [];
    for (let count = 1 + random.below(12); count > 0; count -= 1) {
      const frame = { opcode: random.below(256), status: random.below(65_536), start: writer.length };
      beginFrame(writer, frame.opcode, FRAME_FLAG_ANSWER, frame.status, random.uint32(), 0);
      writer.append(new Uint8Array(random.below(4) === 0 ? random.below(2000) : random.below(20)));
      endFrame(writer, frame.start);
      sent.push({ ...frame, end: writer.length });
    }
    const cutter = new FrameCutter();
    const headers: number[] = [];
    const ends: unknown[] = [];
    for (let from = 0; from < writer.length;) {
      const to = Math.min(writer.length, from + 1 + random.below(random.below(2) === 0 ? 20 : 3000));
      cutter.push(writer.bytes.slice(from, to));
      for (let at = 0; cutter.next(); at = cutter.end) {
        assert.equal(cutter.start, at, `seed ${seed}: no byte is left out`);
        if (cutter.hasHeader) headers.push(cutter.opcode);
        if (!cutter.hasEnd) continue;
        const { opcode, status, isWhole } = cutter;
        const frame = sent[ends.length];
        const end = from + cutter.end;
        if (isWhole) assert.equal(from + cutter.start, frame?.start, `seed ${seed}`);
        else assert.ok(from + cutter.start !== frame?.start || end !== frame.end, `seed ${seed}: a frame in one chunk is whole`);
        ends.push({ opcode, status, start: frame?.start, end });
        const isLast = ends.length === sent.length;
        if (isLast) assert.ok(cutter.isBetweenFrames, `seed ${seed}: between frames after the last`);
      }
      assert.equal(cutter.end, to - from, `seed ${seed}: the chunk is used up`);
      assert.equal(
        cutter.isBetweenFrames,
        sent.some(({ end }) => end === to),
        `seed ${seed}`,
      );
      from = to;
    }
    assert.deepEqual(ends, sent, `seed ${seed}`);
    assert.deepEqual(
      headers,
      sent.map(({ opcode }) => opcode),
      `seed ${seed}`,
    );
  }
});

test('After a length that no frame has, the rest of the stream is told as pieces of nothing', () => {
  const cutter = new FrameCutter();
  cutter.push(new Uint8Array(40));
  assert.equal(cutter.next(), true);
  assert.deepEqual([cutter.start, cutter.end, cutter.hasHeader, cutter.hasEnd, cutter.isWhole], [0, 40, false, false, false]);
  assert.equal(cutter.next(), false);
  assert.equal(cutter.isBetweenFrames, false);
  cutter.push(Uint8Array.of(16, 0, 0, 0));
  assert.equal(cutter.next(), true);
  assert.deepEqual([cutter.hasHeader, cutter.hasEnd], [false, false]);
});
