import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { Combinations } from './combinations.ts';
import { Intersection } from './intersection.ts';
import { type ModelTerm, ModelTable, modelTerms } from './model-table.fixture.ts';

const KINDS = ['equality', 'equality', 'equality', 'equality', 'ordered'] as const;
const ROW_IDS_MAX = [300, 2000, 40_000];

class Run {
  readonly random: SeededRandom;
  readonly combinations = new Combinations();
  readonly table = new ModelTable(KINDS, (rowId, before, after) => this.combinations.changed(rowId, before, after));
  readonly walk = new Intersection((rowId, term) => this.table.test(rowId, term));
  readonly rowIdMax: number;
  /** How many values each field has: with many, few rows meet a combination, and more are asked for than are remembered. */
  readonly values: readonly number[];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.rowIdMax = ROW_IDS_MAX[this.random.below(ROW_IDS_MAX.length)] ?? 0;
    this.values = KINDS.map(() => 1 + this.random.below([2, 4, 90][this.random.below(3)] ?? 0));
  }

  change(): void {
    const { random, table } = this;
    const rowId = 1 + random.below(random.below(2) === 0 ? this.rowIdMax : 300);
    if (random.below(3) === 0) {
      table.delete(rowId);
      return;
    }
    const before = table.rows.get(rowId);
    table.set(rowId, ...this.values.map((values, field) => (random.below(2) === 0 ? before?.[field] : undefined) ?? random.below(values)));
  }

  drawTerms(): ModelTerm[] {
    const { random } = this;
    const terms: ModelTerm[] = Array.from({ length: 2 + random.below(3) }, () => {
      const field = random.below(KINDS.length);
      return { field, low: random.below(this.values[field] ?? 1) };
    });
    if (random.below(4) === 0) terms.push({ field: 4, low: 0, high: random.below(this.values[4] ?? 1) });
    return terms;
  }

  /** Invariant 1, as its user sees it. */
  check(terms: readonly ModelTerm[]): void {
    const matching = this.table.matching(terms);
    const list = modelTerms(terms);
    const what = JSON.stringify(terms);
    const first = this.combinations.find(this.table, list, this.walk);
    if (first === NONE) assert.equal(matching.length, 0, what);
    else assert.ok(first <= (matching[0] ?? Infinity), what);
    if (first > 1 && terms.every(({ high }) => high === undefined)) assert.equal(first, matching[0], what);
    const count = this.combinations.countOf(this.table, list, this.walk);
    if (count !== NONE) assert.equal(count, matching.length, what);
    this.walk.begin(this.table, list, undefined, 1, first === NONE ? 1 : first);
    assert.equal(this.walk.countRest(), matching.length, what);
  }
}

function run(seed: number): void {
  const one = new Run(seed);
  for (let step = 0; step < 600; step += 1) one.change();
  const asked = Array.from({ length: seed % 2 === 0 ? 30 : 300 }, () => one.drawTerms());
  for (let round = 0; round < 8; round += 1) {
    for (let step = 0; step < 60; step += 1) {
      one.change();
      one.check(asked[one.random.below(asked.length)] ?? []);
    }
  }
}

test('Combinations.find() is the first row of a plain search and countOf() its length, after changes and forgetting (invariant 1)', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 20 });
});
