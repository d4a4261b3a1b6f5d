/** The terms of a query in the form in which indexes understand them: ranges of keys. Reused from query to query. */
import { assert } from '@k-lani/base';
import { TERMS_MAX } from '@k-lani/protocol';

/** Words of the longest key: a null word and 256 bytes of text. */
export const KEY_WORDS_MAX = 65;

/** One condition: the key of a field lies from `low` to `high`, both included. */
export class Term {
  fieldIndex = 0;
  keyWords = 0;
  /** Whether `low` equals `high`. */
  isEqual = true;
  readonly low = new Uint32Array(KEY_WORDS_MAX);
  readonly high = new Uint32Array(KEY_WORDS_MAX);
}

/** Up to `TERMS_MAX` terms, all of which must hold. */
export class TermList {
  readonly #terms: Term[] = [];
  count = 0;

  /** Starts over without terms. */
  clear(): void {
    this.count = 0;
  }

  /** Adds a term and returns it to be filled in. */
  add(): Term {
    assert(this.count < TERMS_MAX, 'A query has no more terms than the limit');
    const term = this.#terms[this.count] ?? new Term();
    this.#terms[this.count] = term;
    this.count += 1;
    return term;
  }

  at(index: number): Term {
    const term = this.#terms[index];
    assert(term !== undefined && index < this.count, 'The term exists');
    return term;
  }
}
