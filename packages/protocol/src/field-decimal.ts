/**
 * Decimal numbers as integers of 64 bits, scaled by a power of ten. Exact: nothing is ever rounded. Integers that a number holds exactly
 * stay numbers, because bigints cost an allocation a step; the rest are bigints.
 */

const DECIMAL = /^(-?)(\d{1,38})(?:\.(\d{1,38}))?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Any number of so many digits is a safe integer. */
const SAFE_DIGITS = 15;
const POWERS_OF_TEN: readonly number[] = Array.from({ length: SAFE_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** Why a text is not a decimal number of some scale. */
export type DecimalProblem = 'not_a_decimal' | 'too_many_decimals' | 'out_of_range';

/** The value of a text such as `'129.90'` times 10^`scale`, or what is wrong with it. */
export function parseDecimal(text: string, scale: number): number | bigint | DecimalProblem {
  return parseShort(text, scale) ?? parseLong(text, scale);
}

/** The text of a scaled value, always with `scale` decimals. */
export function formatDecimal(scaled: number | bigint, scale: number): string {
  const power = POWERS_OF_TEN[scale];
  if (typeof scaled === 'bigint' || power === undefined) return formatLong(BigInt(scaled), scale);
  if (scale === 0) return String(scaled === 0 ? 0 : scaled);
  const magnitude = Math.abs(scaled);
  const fraction = magnitude % power;
  const text = `${(magnitude - fraction) / power}.${String(fraction).padStart(scale, '0')}`;
  return scaled < 0 ? `-${text}` : text;
}

/** The least and the greatest number of a scale, for messages. */
export function decimalBounds(scale: number): string {
  return `${formatLong(INT64_MIN, scale)} to ${formatLong(INT64_MAX, scale)}`;
}

/** The value of a text with few digits, or `undefined` when it is another text. */
function parseShort(text: string, scale: number): number | undefined {
  const first = text.charCodeAt(0) === 0x2d ? 1 : 0;
  let value = 0;
  let point = -1;
  if (text.length - first + scale > SAFE_DIGITS) return undefined;
  for (let index = first; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (digit === -2 && point === -1) point = index;
    else return undefined;
  }
  const decimals = point === -1 ? 0 : text.length - point - 1;
  const isWhole = point === -1 && text.length > first;
  const isFraction = point > first && decimals > 0 && decimals <= scale;
  if (!isWhole && !isFraction) return undefined;
  const scaled = value * (POWERS_OF_TEN[scale - decimals] as number);
  return first === 1 && scaled !== 0 ? -scaled : scaled;
}

function parseLong(text: string, scale: number): bigint | DecimalProblem {
  const match = DECIMAL.exec(text);
  if (match === null) return 'not_a_decimal';
  const [, sign = '', whole = '', fraction = ''] = match;
  if (fraction.length > scale) return 'too_many_decimals';
  const magnitude = BigInt(whole + fraction.padEnd(scale, '0'));
  const scaled = sign === '-' ? -magnitude : magnitude;
  return scaled < INT64_MIN || scaled > INT64_MAX ? 'out_of_range' : scaled;
}

function formatLong(scaled: bigint, scale: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString();
  const sign = scaled < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}
