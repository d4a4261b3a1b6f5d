/**
 * Remembers that the overlay of a table had no row for some terms, and what that refusal depends on, until the overlay changes. In a
 * stampede most claims are refused for the same few terms, and each would look through everything that waits for the disk.
 */
import { hashOfTerms, type TermList } from '../index/term.ts';
import type { Overlay } from '../snapshot/overlay.ts';

/** Most refusals that are remembered for a table; then all are forgotten. */
const ENTRIES_MAX = 256;

interface Entry {
  readonly fields: readonly number[];
  readonly lows: readonly Uint32Array[];
  readonly highs: readonly Uint32Array[];
  readonly overlayVersion: number;
  readonly dependsOn: number;
}

export class RefusalMemo {
  /** By overlay, so by table; then by the hash of the terms. */
  readonly #tables = new WeakMap<Overlay, Map<number, Entry>>();

  /** What a refusal of these terms depends on; `undefined` when the overlay must be looked through. */
  find(overlay: Overlay, terms: TermList): number | undefined {
    const entry = this.#tables.get(overlay)?.get(hashOfTerms(terms));
    return entry?.overlayVersion === overlay.version && isOf(entry, terms) ? entry.dependsOn : undefined;
  }

  /** Remembers that no row of the overlay met the terms. */
  add(overlay: Overlay, terms: TermList, dependsOn: number): void {
    let entries = this.#tables.get(overlay);
    if (entries === undefined) {
      entries = new Map();
      this.#tables.set(overlay, entries);
    }
    if (entries.size >= ENTRIES_MAX) entries.clear();
    const all = Array.from({ length: terms.count }, (_, place) => terms.at(place));
    entries.set(hashOfTerms(terms), {
      fields: all.map(({ fieldIndex }) => fieldIndex),
      lows: all.map(({ low, keyWords }) => low.slice(0, keyWords)),
      highs: all.map(({ high, keyWords }) => high.slice(0, keyWords)),
      overlayVersion: overlay.version,
      dependsOn,
    });
  }
}

function isOf(entry: Entry, terms: TermList): boolean {
  if (entry.fields.length !== terms.count) return false;
  for (let place = 0; place < terms.count; place += 1) {
    const { fieldIndex, keyWords, low, high } = terms.at(place);
    if (entry.fields[place] !== fieldIndex) return false;
    for (let word = 0; word < keyWords; word += 1) {
      if (entry.lows[place]?.[word] !== low[word] || entry.highs[place]?.[word] !== high[word]) return false;
    }
  }
  return true;
}
