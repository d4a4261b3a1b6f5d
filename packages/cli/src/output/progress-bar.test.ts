import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import type { WriteStream } from 'node:tty';
import { ProgressBar } from './progress-bar.ts';

/** A terminal of some width that keeps what is written. */
function screen(columns: number): { stream: WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      written.push(text);
      done();
    },
  });
  return { stream: Object.assign(stream, { columns, isTTY: true, getColorDepth: () => 1 }) as unknown as WriteStream, written };
}

test('ProgressBar draws at once, then rarely, and clears its line at the end', () => {
  const { stream, written } = screen(100);
  {
    using bar = new ProgressBar('Loading', stream);
    for (let done = 0; done <= 1000; done += 1) bar.update(done, 1000, `${done} rows`);
    assert.ok(written.length >= 1 && written.length < 100);
    assert.match(written[0] ?? '', /Loading .*0 % {2}0 rows {2}0:00$/);
  }
  assert.equal(written.at(-1), '\r\u001b[K');
});

test('ProgressBar keeps within a narrow terminal', () => {
  const { stream, written } = screen(20);
  new ProgressBar('Loading', stream).update(1, 2, 'many words that have no room');
  const [line = ''] = written;
  assert.ok(line.replace('\r\u001b[K', '').length < 20, line);
  assert.match(line, /Loading {2}50 %/);
});

test('ProgressBar without a stream does nothing', () => {
  const bar = new ProgressBar('Loading', undefined);
  bar.update(1, 2, '');
  bar.end();
});
