/** Terms of a query as people type them: `rank=3`, `price<=100`. Two bounds of one field become one range. */
import { type DynamicSchema, type Field, type FieldValue, KLaniError, showValue, type TableSchema, type TermOf } from '@k-lani/protocol';
import { fieldNamed, valueFromWord } from './row-text.ts';

/** A term of a table whose fields are known only at run time. */
export type Term = TermOf<DynamicSchema>;

type Value = NonNullable<FieldValue>;
type Low = { readonly gte: Value } | { readonly gt: Value };
type High = { readonly lte: Value } | { readonly lt: Value };

/** What is asked of one field, while the words are read. */
interface Range {
  low?: Low;
  high?: High;
}

const TERM = /^\s*([A-Za-z][\w-]*)\s*(<=|>=|=|<|>)(.*)$/s;

/**
 * The terms that words stand for.
 *
 * @throws {KLaniError} `InvalidArgument` for a word that is no term, `UnknownField`, `FieldOutOfRange`
 */
export function termsFromWords(schema: TableSchema, words: readonly string[]): Term[] {
  const terms: Term[] = [];
  const ranges = new Map<string, Range>();
  for (const word of words) {
    const [, name, operator, text] = TERM.exec(word) ?? [];
    if (name === undefined || operator === undefined || text === undefined) {
      throw new KLaniError('InvalidArgument', `Cannot read term: it is ${showValue(word)}, must be field=value, or with <, <=, > or >=`);
    }
    const field = fieldNamed(schema, name);
    const value = valueFromWord(field, text.trim());
    if (operator === '=') {
      terms.push({ field: field.name, eq: value });
    } else {
      const range = ranges.get(field.name) ?? {};
      ranges.set(field.name, range);
      addBound(range, field, operator, value);
    }
  }
  for (const [field, range] of ranges) terms.push(rangeTerm(field, range));
  return terms;
}

function addBound(range: Range, field: Field, operator: string, value: FieldValue): void {
  if (value === null) throw new KLaniError('InvalidArgument', `Cannot read term: null is neither more nor less; ask "${field.name}=null"`);
  const isLow = operator.startsWith('>');
  if ((isLow ? range.low : range.high) !== undefined) {
    throw new KLaniError('InvalidArgument', `Cannot read terms: field "${field.name}" has two ${isLow ? 'lower' : 'upper'} bounds`);
  }
  if (operator === '>=') range.low = { gte: value };
  else if (operator === '>') range.low = { gt: value };
  else if (operator === '<=') range.high = { lte: value };
  else range.high = { lt: value };
}

function rangeTerm(field: string, { low, high }: Range): Term {
  if (low === undefined) return { field, ...(high as High) };
  return high === undefined ? { field, ...low } : { field, ...low, ...high };
}
