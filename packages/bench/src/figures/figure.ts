/** One line of `npm run bench`: what was measured, and the bound that we set ourselves. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The bound; `atMost` or `atLeast` says which way. */
  readonly bound: number;
  readonly direction: 'atMost' | 'atLeast';
  /** What the value was made of. */
  readonly detail: string;
}

/** Whether a figure keeps its bound. */
export function isKept({ value, bound, direction }: Figure): boolean {
  return direction === 'atMost' ? value <= bound : value >= bound;
}

/** A figure as a line of text, in columns. */
export function formatFigure(figure: Figure): string {
  const { name, value, unit, bound, direction, detail } = figure;
  const sign = direction === 'atMost' ? '<=' : '>=';
  const mark = isKept(figure) ? 'kept  ' : 'MISSED';
  return `${mark}  ${name.padEnd(52)} ${formatNumber(value).padStart(9)} ${unit.padEnd(10)} ${sign} ${formatNumber(bound).padEnd(6)} ${detail}`;
}

/** The value in the middle. `sorted` is in rising order and not empty. */
export function medianOf(sorted: ArrayLike<number>): number {
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function formatNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
