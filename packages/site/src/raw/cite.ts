/** Links from what the site shows to the lines of raw logs that say it. */
import { html, type Markup } from '@k-lani/bench';
import type { Cell } from './quantity.ts';

/** The page that shows a log, line by line. */
export function pageOfLog(file: string): string {
  return `logs/${file}.html`;
}

/** A number or text that a line has at `path`. */
export function citeCell({ file, line, path }: Cell, text: string | Markup): Markup {
  return html`<a class="n" href="${pageOfLog(file)}#L${line}" data-at="${JSON.stringify(path)}">${text}</a>`;
}

/** A name that a line has as the last key of `path`. */
export function citeKey({ file, line, path }: Cell): Markup {
  return html`<a class="n" href="${pageOfLog(file)}#L${line}" data-key="${JSON.stringify(path)}">${String(path.at(-1))}</a>`;
}

/** A raw log itself: its checksum or size. */
export function citeFile(file: string, text: string): Markup {
  return html`<a class="n" href="logs/${file}" data-file="">${text}</a>`;
}
