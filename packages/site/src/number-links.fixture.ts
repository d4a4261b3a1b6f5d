/**
 * Finds every number on the pages of a site, and follows it to its line in a raw log. It reads HTML and raw logs alone, and shares no code with
 * what made the pages: rules are computed here a second time.
 *
 * 1. A number is inside a link. Exempt are the ticks of a scale and what a control says, which are not results, and names such as `p99`.
 * 2. A link to a line of a raw log: the line has the number that is shown, in the unit that is shown, to the digits that are shown.
 * 3. A link to the workings: the rule there, computed again from what it names, gives the number; what it names is held to 2 and 3.
 * 4. A link to a raw log itself: the size or SHA-256 of that file.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Element, elementsIn, nearest, parse, textOf } from './markup-tree.fixture.ts';
import { recountLines } from './recount-lines.fixture.ts';

/** What begins with a digit, and is no part of a name. */
const NUMBER = /(?<![\p{L}\d_.,-])\d[\d,]*(?:\.\d+)?/gu;
const UNITS: Readonly<Record<string, readonly [kind: string, factor: number]>> = {
  ns: ['time', 1e-9],
  µs: ['time', 1e-6],
  ms: ['time', 1e-3],
  s: ['time', 1],
  B: ['size', 1],
  KiB: ['size', 2 ** 10],
  MiB: ['size', 2 ** 20],
  GiB: ['size', 2 ** 30],
};

const RULES_OF_VALUES: readonly string[] = ['sum', 'difference', 'ratio', 'median'];

/** A value with its unit. */
interface Value {
  readonly value: number;
  readonly unit: string;
}

export class NumberLinks {
  readonly #files: ReadonlyMap<string, string>;
  readonly #trees = new Map<string, Element>();
  readonly #lines = new Map<string, readonly string[]>();
  /** Numbers that were followed. */
  followed = 0;

  constructor(files: ReadonlyMap<string, string>) {
    this.#files = files;
  }

  /** What is wrong, one sentence each. */
  breaches(): string[] {
    const pages = [...this.#files.keys()].filter((name) => /^[^/]+\.html$/.test(name));
    return pages.flatMap((page) => [...this.#breachesOf(page)]);
  }

  *#breachesOf(page: string): Generator<string> {
    for (const [element, text] of textsIn(this.#tree(page))) {
      const [number] = text.match(NUMBER) ?? [];
      if (number === undefined || isExempt(element, page)) continue;
      const link = nearest(element, ({ tag }) => tag === 'a');
      try {
        assert.ok(link !== undefined, 'it is in no link');
        this.#follow(link, page);
        this.followed += 1;
      } catch (error) {
        yield `${page}: "${text.trim().slice(0, 80)}": ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
      }
    }
  }

  /** The value that a link leads to; what it shows is held against it. */
  #follow(link: Element, page: string): Value {
    const [path = '', anchor = ''] = (link.attributes.get('href') ?? '').split('#');
    if (link.attributes.has('data-file')) return this.#followFile(link, path);
    if (path === 'workings.html' || (path === '' && page === 'workings.html')) {
      const found = this.#workings(anchor);
      assertShown(textOf(link), plainIn(page, found));
      return found;
    }
    const file = /^logs\/(.+)\.html$/.exec(path)?.[1];
    assert.ok(file !== undefined, `${path} is no page of a raw log`);
    this.#tree(path);
    const number = Number(/^L(\d+)$/.exec(anchor)?.[1]);
    const line: unknown = JSON.parse(this.#linesOf(file)[number - 1] ?? 'null');
    const key = link.attributes.get('data-key');
    if (key !== undefined) {
      const keys = JSON.parse(key) as string[];
      assert.ok(at(line, keys) !== undefined, `line ${number} has nothing at ${key}`);
      assert.equal(textOf(link), keys.at(-1));
      return { value: Number.NaN, unit: '' };
    }
    const where = JSON.parse(link.attributes.get('data-at') ?? 'null') as (string | number)[];
    const value = at(line, where);
    if (typeof value === 'string') {
      const shown = textOf(link).replace(/ UTC$/, '');
      assert.ok(
        value
          .replace(/(?<=\d)T(?=\d)/, ' ')
          .replaceAll(/\s+/g, ' ')
          .includes(shown),
        `line ${number} says ${value}`,
      );
      return { value: Number.NaN, unit: '' };
    }
    assert.ok(typeof value === 'number', `line ${number} has no number at ${JSON.stringify(where)}`);
    const found = { value, unit: unitOf(line, where) };
    assertShown(textOf(link), plainIn(page, found));
    return found;
  }

  #followFile(link: Element, path: string): Value {
    const text = this.#files.get(path);
    assert.ok(text !== undefined, `${path} is not there`);
    const shown = textOf(link);
    if (/^[0-9a-f]{64}$/.test(shown)) assert.equal(shown, createHash('sha256').update(text).digest('hex'));
    else assertShown(shown, { value: Buffer.byteLength(text), unit: 'B' });
    return { value: Number.NaN, unit: '' };
  }

  /** A line of the workings, computed again. */
  #workings(id: string): Value {
    const line = [...elementsIn(this.#tree('workings.html'))].find(({ attributes }) => attributes.get('id') === id);
    assert.ok(line !== undefined, `there are no workings ${id}`);
    const parts = [...elementsIn(line)];
    const rule = JSON.parse(line.attributes.get('data-rule') ?? 'null') as Record<string, unknown>;
    const ranges = parts.filter(({ attributes }) => attributes.has('data-range')).map((part) => part.attributes.get('data-range') ?? '');
    const links = parts.filter(({ tag, attributes }) => tag === 'a' && attributes.get('class') === 'n');
    const value = RULES_OF_VALUES.includes(String(rule['rule']))
      ? applyToValues(
          String(rule['rule']),
          links.map((link) => this.#follow(link, 'workings.html')),
        )
      : {
          value: applyToLines(
            rule,
            ranges.flatMap((range) => this.#linesIn(range)),
          ),
          unit: '',
        };
    const result = parts.find(({ attributes }) => attributes.get('class') === 'result');
    assert.ok(result !== undefined, `${id} has no result`);
    assertShown(textOf(result), { value: value.value, unit: '' });
    return value;
  }

  /** The lines of a range, which must be all of their kind in the log. */
  #linesIn(text: string): unknown[] {
    const { file, kind, first, last } = JSON.parse(text) as { file: string; kind: string; first: number; last: number };
    const isKind = (line: string): boolean => line.startsWith(`{"${kind}":`);
    const all = this.#linesOf(file);
    const within = all.slice(first - 1, last);
    assert.ok(within.every(isKind), `lines ${first} to ${last} of ${file} are not all of kind ${kind}`);
    assert.equal(within.length, all.filter(isKind).length, `lines ${first} to ${last} of ${file} are not all that are of kind ${kind}`);
    return within.map((line) => JSON.parse(line) as unknown);
  }

  #linesOf(file: string): readonly string[] {
    const lines = this.#lines.get(file) ?? this.#files.get(`logs/${file}`)?.split('\n');
    assert.ok(lines !== undefined, `there is no raw log ${file}`);
    this.#lines.set(file, lines);
    return lines;
  }

  #tree(page: string): Element {
    const tree = this.#trees.get(page) ?? parse(this.#files.get(page) ?? assert.fail(`${page} is not there`));
    this.#trees.set(page, tree);
    return tree;
  }
}

/** Each text of a page's body with the element that it is in. */
function* textsIn(element: Element): Generator<[Element, string]> {
  for (const child of element.children) {
    if (typeof child === 'string') yield [element, child];
    else if (child.tag !== 'head') yield* textsIn(child);
  }
}

/** Workings calculate with values as they are in the log, whatever their unit. */
function plainIn(page: string, { value, unit }: Value): Value {
  return { value, unit: page === 'workings.html' ? '' : unit };
}

function isExempt(element: Element, page: string): boolean {
  const isTick = ({ attributes }: Element): boolean => attributes.get('class')?.split(' ').includes('tick') === true;
  if (nearest(element, (one) => isTick(one) || one.tag === 'option') !== undefined) return true;
  // The words of a rule, its result and line numbers are held to the rule when a number leads there.
  return page === 'workings.html' && nearest(element, ({ attributes }) => attributes.has('data-rule')) !== undefined;
}

/** Holds `12.3 ms` against a value: the digits shown are those of the value, and a whole count without unit is shown in full. */
function assertShown(shown: string, found: Value): void {
  const numbers = shown.match(NUMBER) ?? [];
  assert.equal(numbers.length, 1, `"${shown}" shows ${numbers.length} numbers`);
  const number = numbers[0] ?? '';
  const unit = /^[\d,.]+[\s\u00a0]?(ns|µs|ms|s|B|KiB|MiB|GiB)\b/.exec(shown)?.[1] ?? '';
  const [kind, factor] = UNITS[unit] ?? ['', 1];
  const [kindFound, factorFound] = UNITS[found.unit] ?? ['', 1];
  assert.equal(kind, kindFound, `"${shown}" is shown of a value in "${found.unit}"`);
  const value = (found.value * factorFound) / factor;
  const size = Number(number.replaceAll(',', ''));
  // Half of the last digit; of three digits, where the rest of a large number is zeros.
  const digits = number.split('.')[1]?.length ?? 0;
  const isWhole = Number.isInteger(found.value) && unit === '' && found.unit === '';
  const slack = isWhole ? 0 : Math.max(0.5 * 10 ** -digits, digits === 0 && size >= 1000 ? 0.005 * size : 0);
  assert.ok(Math.abs(size - value) <= slack * 1.000001, `"${shown}" is shown, and it is ${value}`);
}

/** The unit of a value, from its own line. */
function unitOf(line: unknown, path: readonly (string | number)[]): string {
  const name = String(path.at(-1));
  if (name === 'value') {
    const unit = String(at(line, [...path.slice(0, -1), 'unit']));
    return unit === 'bytes' ? 'B' : UNITS[unit] === undefined ? 'rate' : unit;
  }
  if (path[0] === 'window' || name.endsWith('Us') || (path[0] === 'sale' && name === '0')) return 'µs';
  if (name.endsWith('Ms')) return 'ms';
  return name.endsWith('Bytes') ? 'B' : '';
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);
}

function applyToValues(rule: string, of: readonly Value[]): Value {
  const values = of.map(({ value }) => value);
  const unit = of[0]?.unit ?? '';
  const [first = 0, second = 0] = values;
  switch (rule) {
    case 'sum':
      return { value: values.reduce((left, right) => left + right, 0), unit };
    case 'difference':
      return { value: first - second, unit };
    case 'ratio':
      return { value: first / second, unit: 'ratio' };
    case 'median': {
      const sorted = values.toSorted((left, right) => left - right);
      assert.equal(sorted.length % 2, 0, 'the median of an odd number of values is one of them');
      return { value: ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2, unit };
    }
    default:
      return assert.fail(`"${rule}" is no rule of values`);
  }
}

function applyToLines(rule: Readonly<Record<string, unknown>>, lines: readonly unknown[]): number {
  const kinds = (rule['kinds'] ?? []) as readonly string[];
  const answers = (line: unknown): number =>
    kinds.reduce((sum, kind) => sum + ((at(line, ['window', kind]) as unknown[] | undefined)?.length ?? 0), 0);
  switch (rule['rule']) {
    case 'lines':
      return lines.length;
    case 'lines where':
      return lines.filter((line) => at(line, ['sale', Number(rule['index'])]) === rule['equals']).length;
    case 'answers':
      return lines.reduce<number>((sum, line) => sum + answers(line), 0);
    case 'peak': {
      const stretchUs = Number(rule['stretchUs']);
      const counts: Record<number, number> = {};
      for (const line of lines) {
        const stretch = Math.floor(Number(at(line, ['window', 'timeUs'])) / stretchUs);
        counts[stretch] = (counts[stretch] ?? 0) + answers(line);
      }
      return (Math.max(0, ...Object.values(counts)) * 1_000_000) / stretchUs;
    }
    case 'recount':
      return recountLines(lines)[String(rule['what'])] ?? Number.NaN;
    default:
      return assert.fail(`"${String(rule['rule'])}" is no rule of lines`);
  }
}
