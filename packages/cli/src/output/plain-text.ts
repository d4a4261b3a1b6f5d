/** Text that may come from anywhere, made safe to print: a stored value must not move the cursor or colour the terminal. */

// oxlint-disable-next-line no-control-regex -- control characters are what this finds
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const LINE_END = /\s*\r?\n\s*/g;

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NARROW = /^(?:\p{M}|[\u200b-\u200f])$/u;

/** The text in one line, with every control character written as `\u001b`. */
export function plain(text: string): string {
  return text.replace(LINE_END, ' ').replace(CONTROL, escaped);
}

/** How many columns a plain text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
