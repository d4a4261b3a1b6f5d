/** How numbers are written: three digits where they were measured, all digits where they were counted. */
import { formatBytes, formatCount } from '@k-lani/bench';

/** Keeps a number and its unit on one line. */
const NO_BREAK = '\u00a0';

const TIMES_US: Readonly<Record<string, number>> = { ns: 0.001, µs: 1, us: 1, ms: 1000, s: 1_000_000, seconds: 1_000_000 };

/** A measured value with its unit: `48,200/s`, `1.94 ms`, `146 MiB`. */
export function formatFigure(value: number, unit: string): string {
  const us = TIMES_US[unit];
  if (us !== undefined) return formatTime(value * us);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'MiB') return formatBytes(value * 2 ** 20);
  const digits = formatDigits(value);
  if (unit.startsWith('1/')) return `${digits}/${unit.slice(2)}`;
  return unit === '' ? digits : `${digits}${NO_BREAK}${unit}`;
}

/** A time in microseconds, three digits: `840 ns`, `87.4 µs`, `1.94 ms`, `5.33 s`. */
export function formatTime(us: number): string {
  if (us > 0 && us < 0.9995) return `${formatDigits(us * 1000)}${NO_BREAK}ns`;
  if (us < 999.5) return `${formatDigits(us)}${NO_BREAK}µs`;
  return us < 999_500 ? `${formatDigits(us / 1000)}${NO_BREAK}ms` : `${formatDigits(us / 1_000_000)}${NO_BREAK}s`;
}

/** A ratio: `2.41 ×`. */
export function formatRatio(value: number): string {
  return `${formatDigits(value)}${NO_BREAK}×`;
}

/** Three digits, with separators: `0.0512`, `4.07`, `48,200`. */
function formatDigits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 100) return formatCount(rounded);
  return rounded === 0 ? '0' : String(Number.isInteger(value) ? value : rounded.toFixed(digitsAfter(rounded)));
}

/** As the raw log has it, but for long fractions. */
export function formatPlain(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(7)));
}

function digitsAfter(value: number): number {
  return Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
}
