/** Lines of a stream, with their numbers. A line beyond the limit is told of and passed over, not kept. */
import type { Readable } from 'node:stream';

/** The longest line that is kept, in characters. */
export const LINE_LENGTH_MAX = 16 * 1024 * 1024;

/** One line; `text` is `undefined` where it was too long. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string | undefined;
}

/** The lines of a stream of UTF-8. */
export async function* readLines(stream: Readable, lengthMax = LINE_LENGTH_MAX): AsyncGenerator<Line, void, void> {
  stream.setEncoding('utf8');
  let number = 0;
  let begun = '';
  let isTooLong = false;
  for await (const chunk of stream) {
    const pieces = String(chunk).split('\n');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      number += 1;
      const isKept = !isTooLong && begun.length + piece.length <= lengthMax;
      yield { number, text: isKept ? (begun + piece).replace(/\r$/, '') : undefined };
      begun = '';
      isTooLong = false;
    }
    isTooLong ||= begun.length + rest.length > lengthMax;
    begun = isTooLong ? '' : begun + rest;
  }
  if (isTooLong || begun !== '') yield { number: number + 1, text: isTooLong ? undefined : begun };
}
