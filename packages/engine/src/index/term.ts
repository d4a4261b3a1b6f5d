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

/** Terms, all of which must hold. */
export interface Terms {
  readonly count: number;
  at(index: number): Term;
}

/** Up to `TERMS_MAX` terms, all of which must hold. */
export class TermList implements Terms {
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

/** What lists of equality terms are told apart by first; two may have the same hash. */
export function hashOfTerms(terms: Terms): number {
  let hash = terms.count;
  for (let place = 0; place < terms.count; place += 1) {
    const { fieldIndex, low, keyWords } = terms.at(place);
    let key = mix(0, fieldIndex);
    for (let word = 0; word < keyWords; word += 1) key = mix(key, low[word] as number);
    hash = mix(hash, key);
  }
  return hash;
}

/** One step of MurmurHash3 (Appleby): fields and values are small numbers, for which simpler sums come out alike all the time. */
function mix(hash: number, word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((product << 15) | (product >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
