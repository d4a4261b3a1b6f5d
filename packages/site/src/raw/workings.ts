/** The numbers that were computed: each gets a line on the page of workings, once. */
import { html, type Markup } from '@k-lani/bench';
import { formatPlain } from '../page/number-format.ts';
import { citeCell, pageOfLog } from './cite.ts';
import type { LineRange, Quantity } from './quantity.ts';

/** File of the page of workings. */
export const WORKINGS_PAGE = 'workings.html';

const SIGNS: Readonly<Record<string, string>> = { sum: ' + ', difference: ' − ', ratio: ' ÷ ', rate: ' a second, in µs: ÷ ' };

const RECOUNTED = {
  verifiedSold: 'acknowledged sales that are booked rows with that buyer',
  doubleSold: 'acknowledgements and booked rows beyond one buyer a row',
  lost: 'acknowledged sales whose row is missing, free or booked by somebody else',
  unknownSold: 'booked rows of buyers who never learned their outcome',
  free: 'rows that nobody has booked',
} as const;

export class Workings {
  readonly #lines: Markup[] = [];
  readonly #numbers = new Map<string, number>();

  /** Puts a link around the text of a quantity: to the line of its raw log, or to its line of the workings. */
  cite(quantity: Quantity, text: string): Markup {
    if ('at' in quantity) return citeCell(quantity.at, text);
    return html`<a class="n" href="${WORKINGS_PAGE}#W${this.#numberOf(quantity)}">${text}</a>`;
  }

  /** All lines, from W1. */
  lines(): readonly Markup[] {
    return this.#lines;
  }

  #numberOf(quantity: Exclude<Quantity, { readonly at: unknown }>): number {
    const key = JSON.stringify('lines' in quantity ? [quantity.lines, quantity.of] : [quantity.rule, quantity.of]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    // What it is computed of comes first, so that a line only leads to lines above it.
    const body = 'lines' in quantity ? this.#lineRule(quantity) : this.#quantityRule(quantity);
    const number = this.#lines.length + 1;
    const rule = 'lines' in quantity ? quantity.lines : { rule: quantity.rule };
    this.#lines.push(
      html`<li id="W${number}" data-rule="${JSON.stringify(rule)}">
        <a href="#W${number}">${number}</a><span><b class="result">${formatPlain(quantity.value)}</b> = ${body}</span>
      </li>`,
    );
    this.#numbers.set(key, number);
    return number;
  }

  #quantityRule({ rule, of }: Extract<Quantity, { rule: string }>): Markup {
    const operands = of.map((operand) => this.cite(operand, formatPlain(operand.value)));
    const sign = SIGNS[rule];
    const joined = operands.map((operand, index) => html`${index === 0 ? '' : (sign ?? ', ')}${operand}`);
    return sign === undefined ? html`${rule} of ${joined}` : html`${joined}`;
  }

  #lineRule({ lines, of }: Extract<Quantity, { lines: object }>): Markup {
    const ranges = of.map((range, index) => html`${index === 0 ? '' : ', '}${citeRange(range)}`);
    return html`${describe(lines)}: ${of.length === 0 ? 'there are none' : ranges}`;
  }
}

function describe(lines: Extract<Quantity, { lines: object }>['lines']): string {
  if (lines.rule === 'recount') return RECOUNTED[lines.what];
  if (lines.rule === 'lines') return 'number of lines';
  if (lines.rule === 'lines where') return `number of lines whose list has ${lines.equals} at place ${lines.index + 1}`;
  const answers = `answers to ${lines.kinds.join(', ')}`;
  if (lines.rule === 'answers') return `number of ${answers}`;
  return `most ${answers} in one of the stretches of ${lines.stretchUs} µs from the start, as a rate a second`;
}

function citeRange({ file, kind, first, last }: LineRange): Markup {
  return html`<span class="range" data-range="${JSON.stringify({ file, kind, first, last })}"
    ><code>${kind}</code> lines <a href="${pageOfLog(file)}#L${first}">${first}</a> to <a href="${pageOfLog(file)}#L${last}">${last}</a> of
    ${file}</span
  >`;
}
