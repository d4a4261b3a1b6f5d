import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { FirstMatches, hashOfTerms } from './first-matches.ts';
import { MODEL_KEY_WORDS, type ModelTerm, ModelTable, modelTerms } from './model-table.fixture.ts';

const KINDS = ['equality', 'equality', 'equality', 'equality'] as const;
const ROW_IDS_MAX = [60, 2000, 40_000];

/** Combinations with the same hash, two by two. */
const COLLIDING: readonly (readonly ModelTerm[])[] = [
  [150, 897],
  [153, 894],
  [2, 977],
  [240, 19],
].map((values) => values.map((low, field) => ({ field, low })));

class Run {
  readonly random: SeededRandom;
  readonly first = new FirstMatches();
  readonly table = new ModelTable(KINDS, (field, key, rowId) => this.first.added(field, key, MODEL_KEY_WORDS, rowId));
  readonly rowIdMax: number;
  /** What each field has: small values, the same in all fields, and those that collide. */
  readonly values: readonly (readonly number[])[];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.rowIdMax = this.draw(ROW_IDS_MAX);
    const small = Array.from({ length: 2 + this.random.below(10) }, (_, value) => value);
    const collidingOf = (place: number): number[] => COLLIDING.map((terms) => terms[place]?.low ?? 0);
    this.values = Array.from({ length: KINDS.length }, (_, field) => (field < 2 ? [...small, ...collidingOf(field)] : small));
  }

  draw<T>(from: readonly T[]): T {
    const drawn = from[this.random.below(from.length)];
    assert.ok(drawn !== undefined);
    return drawn;
  }

  change(): void {
    const rowId = 1 + this.random.below(this.random.below(2) === 0 ? this.rowIdMax : 60);
    if (this.random.below(3) === 0) {
      this.table.delete(rowId);
      return;
    }
    const values = this.values.map(
      (of, field) => (this.random.below(2) === 0 ? this.table.rows.get(rowId)?.[field] : undefined) ?? this.draw(of),
    );
    if (this.random.below(4) === 0) for (const { field, low } of this.draw(COLLIDING)) values[field] = low;
    this.table.set(rowId, ...values);
  }

  drawTerms(): readonly ModelTerm[] {
    if (this.random.below(4) === 0) return this.draw(COLLIDING);
    return Array.from({ length: 2 + this.random.below(3) }, () => {
      const field = this.random.below(KINDS.length);
      return { field, low: this.draw(this.values[field] ?? []) };
    });
  }

  /** Invariant 1: what is found from the remembered row id on is the first of all. */
  check(terms: readonly ModelTerm[]): void {
    const expected = this.table.matching(terms)[0] ?? NONE;
    assert.equal(this.first.find(this.table, modelTerms(terms)), expected, JSON.stringify(terms));
  }
}

function run(seed: number): void {
  const one = new Run(seed);
  // More than are remembered at a time in every other run, so that the oldest are forgotten.
  const asked = Array.from({ length: seed % 2 === 0 ? 40 : 400 }, () => one.drawTerms());
  for (let round = 0; round < 12; round += 1) {
    for (let step = 0; step < 60; step += 1) {
      one.change();
      one.check(one.draw(asked));
    }
    for (const terms of asked) if (round % 4 === 3 || one.random.below(8) === 0) one.check(terms);
  }
}

test('The combinations of this file collide', () => {
  const hashes = COLLIDING.map((terms) => hashOfTerms(modelTerms(terms)));
  assert.deepEqual([hashes[0], hashes[2]], [hashes[1], hashes[3]]);
});

test('FirstMatches.find() is the first row of a plain search, after adds and removes, collisions and forgetting (invariant 1)', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 25 });
});
