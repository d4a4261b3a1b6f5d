import { html, type Markup } from '@k-lani/bench';
import type { Workings } from '../raw/workings.ts';
import type { Spread } from './measurements.ts';

/** Median and, smaller, how far the rounds lie apart. */
export function spreadMarkup({ median, least, greatest }: Spread, workings: Workings, format: (value: number) => string): Markup {
  const main = html`<b>${workings.cite(median, format(median.value))}</b>`;
  if (least.value === greatest.value) return main;
  return html`${main} <small>${workings.cite(least, format(least.value))} to ${workings.cite(greatest, format(greatest.value))}</small>`;
}
