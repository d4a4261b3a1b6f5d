/** Version 7 UUIDs (RFC 9562): 48 bits of Unix milliseconds, version, random bits, variant, random bits. */

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** Where the two digits of each byte are in the text. */
const DIGITS_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
/** The codes of "0" to "9" and "a" to "f". */
const DIGIT_CODES: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** The codes of the text that is being decoded; the hyphens stay. */
const textCodes: number[] = Array.from('00000000-0000-0000-0000-000000000000', (character) => character.charCodeAt(0));

/** Whether a text is a version 7 UUID, in upper or lower case. */
export function isUuidV7(text: string): boolean {
  return UUID_V7.test(text);
}

/** Writes the 16 bytes of a text that `isUuidV7`. */
export function encodeUuid(text: string, target: Uint8Array, offset: number): void {
  for (let index = 0; index < DIGITS_AT.length; index += 1) {
    const at = DIGITS_AT[index] as number;
    target[offset + index] = (digitOf(text.charCodeAt(at)) << 4) | digitOf(text.charCodeAt(at + 1));
  }
}

/** The text of 16 bytes, in lower case. */
export function decodeUuid(bytes: Uint8Array, offset: number): string {
  for (let index = 0; index < DIGITS_AT.length; index += 1) {
    const at = DIGITS_AT[index] as number;
    const byte = bytes[offset + index] as number;
    textCodes[at] = DIGIT_CODES[byte >> 4] as number;
    textCodes[at + 1] = DIGIT_CODES[byte & 15] as number;
  }
  return String.fromCharCode(...textCodes);
}

/** Whether 16 bytes carry version 7 and the variant of RFC 9562. */
export function areUuidV7Bytes(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + 6] as number) >> 4 === 7 && (bytes[offset + 8] as number) >> 6 === 2;
}

/** The value of a hexadecimal digit's code: the low bits of digits are their values, those of letters 9 less. */
function digitOf(code: number): number {
  return (code & 15) + (code > 0x39 ? 9 : 0);
}
