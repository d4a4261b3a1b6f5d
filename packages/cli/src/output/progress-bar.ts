/** A line on the terminal that shows how far long work has come. Written at most ten times a second, and gone when the work ends. */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { widthOf } from './plain-text.ts';

const INTERVAL_MS = 100;
const BAR_COLUMNS = 24;
const ERASE_LINE = '\r\u001b[K';

/** One bar. `end()` clears it; a bar without a stream does nothing. */
export class ProgressBar implements Disposable {
  readonly #label: string;
  readonly #stream: WriteStream | undefined;
  readonly #startMs = performance.now();
  #drawnMs = -Infinity;
  #isDrawn = false;

  constructor(label: string, stream: WriteStream | undefined) {
    this.#label = label;
    this.#stream = stream;
  }

  /**
   * Shows how much is done.
   *
   * @param total 0 when it is not known: no bar then
   * @param note anything more, such as what is counted
   */
  update(done: number, total: number, note: string): void {
    const nowMs = performance.now();
    if (this.#stream === undefined || nowMs - this.#drawnMs < INTERVAL_MS) return;
    this.#drawnMs = nowMs;
    this.#draw(this.#stream, { share: total === 0 ? undefined : Math.min(1, done / total), note, seconds: (nowMs - this.#startMs) / 1000 });
  }

  /** Clears the line. */
  end(): void {
    if (this.#isDrawn) this.#stream?.write(ERASE_LINE);
    this.#isDrawn = false;
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #draw(stream: WriteStream, { share, note, seconds }: { share: number | undefined; note: string; seconds: number }): void {
    const bar = share === undefined ? undefined : barOf(share);
    const percent = share === undefined ? '' : ` ${String(Math.floor(share * 100)).padStart(3)} %`;
    const words = `${percent}  ${note}  ${clock(seconds)}`;
    const width = widthOf(this.#label) + 1 + (bar === undefined ? 0 : BAR_COLUMNS) + widthOf(words);
    // On a narrow terminal the words matter more than the bar.
    const isNarrow = width >= stream.columns;
    const line = isNarrow ? `${this.#label}${words}`.slice(0, stream.columns - 1) : `${this.#label} ${paint(bar, stream)}${words}`;
    stream.write(`${ERASE_LINE}${line}`);
    this.#isDrawn = true;
  }
}

interface Bar {
  readonly full: string;
  readonly empty: string;
}

function barOf(share: number): Bar {
  const [full, empty] = showsUnicode() ? ['━', '─'] : ['#', '-'];
  const columns = Math.floor(share * BAR_COLUMNS);
  return { full: full.repeat(columns), empty: empty.repeat(BAR_COLUMNS - columns) };
}

function paint(bar: Bar | undefined, stream: WriteStream): string {
  if (bar === undefined) return '';
  return styleText('cyan', bar.full, { stream }) + styleText('dim', bar.empty, { stream });
}

function showsUnicode(): boolean {
  const locale = process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '';
  return process.env['TERM'] !== 'linux' && (process.platform === 'darwin' || /utf-?8/i.test(locale));
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
