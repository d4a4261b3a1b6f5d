/** What happens now: one line that is written over on a terminal, a line each elsewhere. */
export interface ProgressLine extends Disposable {
  show(text: string): void;
  /** A line that stays. */
  tell(text: string): void;
}

const CLEAR_LINE = '\r\u001b[K';

/** Begins a line. Disposed of, it is gone. */
export function progressLine(stream: NodeJS.WriteStream): ProgressLine {
  const clear = (): void => {
    if (stream.isTTY) stream.write(CLEAR_LINE);
  };
  return {
    show: (text) => {
      clear();
      stream.write(stream.isTTY ? text.slice(0, stream.columns - 1) : `${text}\n`);
    },
    tell: (text) => {
      clear();
      stream.write(`${text}\n`);
    },
    [Symbol.dispose]: clear,
  };
}
