import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import * as fc from 'fast-check';
import { type Line, readLines } from './line-reader.ts';

const SEED = 20_261_121;

async function linesOf(chunks: readonly string[], lengthMax?: number): Promise<Line[]> {
  const bytes = chunks.map((chunk) => Buffer.from(chunk));
  return Array.fromAsync(readLines(Readable.from(bytes, { objectMode: false }), lengthMax));
}

/** The plain answer: the whole text split at once. */
function expected(text: string, lengthMax: number): Line[] {
  const pieces = text.split('\n');
  if (pieces.at(-1) === '') pieces.pop();
  const isLast = (index: number): boolean => index === pieces.length - 1 && !text.endsWith('\n');
  return pieces.map((piece, index) => ({
    number: index + 1,
    text: piece.length > lengthMax ? undefined : isLast(index) ? piece : piece.replace(/\r$/, ''),
  }));
}

test('readLines() gives the lines of a text however it is cut, and leaves out those beyond the limit', async () => {
  const chunk = fc.string({ unit: fc.constantFrom('a', 'ü', '\n', '\r', '日'), maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 12 }), async (chunks) => {
      assert.deepEqual(await linesOf(chunks, 6), expected(chunks.join(''), 6));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('readLines() puts a character together that two chunks share', async () => {
  const bytes = Buffer.from('日本\n');
  const stream = Readable.from([bytes.subarray(0, 2), bytes.subarray(2)], { objectMode: false });
  assert.deepEqual(await Array.fromAsync(readLines(stream)), [{ number: 1, text: '日本' }]);
});
