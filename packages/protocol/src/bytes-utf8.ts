/**
 * UTF-8 in place. Most texts of a row are short and ASCII, where a loop is several times faster than the platform's coder, which needs a
 * view of the bytes and an answer object for each text; everything else goes to the platform.
 */
import { KLaniError } from './errors.ts';

/** Up to this many bytes a text is tried as ASCII in JavaScript. */
const SHORT_TEXT_BYTES = 64;

const encoder = new TextEncoder();
// Without `ignoreBOM` a leading U+FEFF would vanish.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One array a length, filled and spread into `String.fromCharCode`: the fastest way to a short string that leaves no garbage. */
const charCodes: readonly number[][] = Array.from({ length: SHORT_TEXT_BYTES + 1 }, (_, length) => Array.from({ length }, () => 0));

/** How many bytes a well-formed text takes in UTF-8. */
export function utf8SizeBytes(text: string): number {
  let size = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts two of the pair's four bytes.
    size += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return size;
}

/**
 * Writes a well-formed text to `target[offset, end)`.
 *
 * @returns the index after its last byte, or -1 when it does not fit; then the bytes of the range are unspecified
 */
export function encodeUtf8(text: string, target: Uint8Array, offset: number, end: number): number {
  if (text.length > end - offset) return -1;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return encodeWide(text, target, offset, end);
    target[offset + index] = unit;
  }
  return offset + text.length;
}

/**
 * The text of `bytes[start, end)`.
 *
 * @throws {KLaniError} `InvalidUtf8`
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  const codes = charCodes[end - start];
  if (codes === undefined) return decodeWide(bytes, start, end);
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] as number;
    if (byte >= 0x80) return decodeWide(bytes, start, end);
    codes[index - start] = byte;
  }
  return String.fromCharCode(...codes);
}

/** Whether `bytes[start, end)` is valid UTF-8. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let index = start;
  while (index < end && (bytes[index] as number) < 0x80) index += 1;
  if (index === end) return true;
  try {
    decoder.decode(bytes.subarray(index, end));
    return true;
  } catch {
    return false;
  }
}

function encodeWide(text: string, target: Uint8Array, offset: number, end: number): number {
  const { read, written } = encoder.encodeInto(text, target.subarray(offset, end));
  return read === text.length ? offset + written : -1;
}

function decodeWide(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw new KLaniError('InvalidUtf8', `Cannot read text: its ${end - start} bytes are not valid UTF-8`, { cause });
  }
}
