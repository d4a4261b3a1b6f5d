import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { Bitmap } from './bitmap.ts';
import { EqualityIndex } from './equality-index.ts';
import { Intersection, type Plan } from './intersection.ts';
import { type ModelTerm, ModelTable, modelTerms } from './model-table.fixture.ts';

/** Two indexes of bitmaps, one with values in its tree as well, two ordered ones: how many values each has. */
const KINDS = ['equality', 'equality', 'equality', 'ordered', 'ordered'] as const;
const VALUES = [3, 40, 150, 30, 1_000_000];
/** The highest row ids of a run: within few words of a bitmap, beyond a leaf, beyond a node. */
const ROW_IDS_MAX = [300, 3000, 50_000, 540_000];

class Run {
  readonly random: SeededRandom;
  readonly table = new ModelTable(KINDS);
  readonly rowIdMax: number;
  readonly #intersection = new Intersection((rowId, term) => this.table.test(rowId, term));

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.rowIdMax = ROW_IDS_MAX[this.random.below(ROW_IDS_MAX.length)] ?? 0;
  }

  /** Sets or deletes a row; ids in the lower half are drawn more often, so that they are replaced and deleted. */
  change(): void {
    const { random, table } = this;
    const rowId = 1 + random.below(random.below(2) === 0 ? this.rowIdMax : Math.min(this.rowIdMax, 400));
    if (random.below(4) === 0) table.delete(rowId);
    else table.set(rowId, ...VALUES.map((values) => random.below(random.below(2) === 0 ? values : Math.ceil(values / 10))));
  }

  drawTerm(): ModelTerm {
    const { random } = this;
    const field = random.below(KINDS.length);
    const rowIds = [...this.table.rows.keys()];
    const rowId = rowIds[random.below(rowIds.length)];
    const values = VALUES[field] ?? 0;
    const low = rowId !== undefined && random.below(5) > 0 ? this.table.value(rowId, field) : random.below(values + 1);
    if (KINDS[field] === 'equality' || random.below(4) === 0) return { field, low };
    if (random.below(8) === 0) return { field, low, high: low - random.below(low + 1) };
    return { field, low: random.below(2) === 0 ? 0 : low, high: low + random.below(values) };
  }

  drawExclude(): Bitmap | undefined {
    const { random } = this;
    if (random.below(2) === 0) return undefined;
    const exclude = Bitmap.create(new PageStore());
    for (const rowId of this.table.rows.keys()) if (random.below(3) === 0) exclude.set(rowId);
    exclude.set(1 + random.below(this.rowIdMax));
    return exclude;
  }

  query(): void {
    const { random, table } = this;
    const drawn = Array.from({ length: random.below(5) }, () => this.drawTerm());
    const terms = modelTerms(drawn);
    const exclude = this.drawExclude();
    const startRowId = random.below(8) === 0 ? 0xffff_ffff : 1 + random.below(table.locations.rowIdMax + 2);

    const plan = this.#intersection.explain(table, terms);
    this.checkPlan(plan, drawn);
    const matching = table.matching(drawn);
    assert.ok(plan.estimate >= matching.length);
    assert.equal(this.#intersection.estimate(table, terms), plan.estimate);
    assert.equal(this.#intersection.count(table, terms), matching.length);

    const order = this.order(plan, drawn, startRowId);
    const kept = new Set(matching.filter((rowId) => exclude?.has(rowId) !== true));
    const expected = order.filter((rowId) => kept.has(rowId));
    assert.equal(expected.length, kept.size);
    this.#intersection.begin(table, terms, exclude, startRowId);
    const limit = random.below(3) === 0 ? random.below(expected.length + 1) : Infinity;
    const found: number[] = [];
    while (found.length < limit) {
      const rowId = this.#intersection.next();
      if (rowId === NONE) break;
      found.push(rowId);
    }
    assert.deepEqual(found, expected.slice(0, limit), JSON.stringify({ plan, drawn, startRowId }));
  }

  /** Checks a plan against the table in the header of `intersection.ts`. */
  checkPlan(plan: Plan, drawn: readonly ModelTerm[]): void {
    const rows = drawn.map((term) => this.table.matching([term]).length);
    assert.deepEqual(
      plan.terms.map((term) => [term.fieldIndex, term.rows]),
      drawn.map(({ field }, place) => [field, rows[place]]),
    );
    const isBitmap = drawn.map((term) => {
      const index = this.table.index(term.field);
      return index instanceof EqualityIndex && index.bitmapOf(modelTerms([term]).at(0).low) !== undefined;
    });
    const isRange = drawn.map(({ high }) => high !== undefined);
    const equality = Math.min(...rows.filter((_, place) => !isRange[place]));
    const range = Math.min(...rows.filter((_, place) => isRange[place]));
    const drives = drawn.map((_, place) => plan.terms[place]?.role === 'drives');
    if (drawn.length === 0) assert.deepEqual(plan, { driver: 'rows', estimate: this.table.rows.size, terms: [] });
    else assert.equal(plan.estimate, Math.min(...rows));
    const ranges = isRange.filter(Boolean).length;
    const isRangeCheaper = ranges > 0 && range * (ranges === 1 ? 1 : 9) <= equality * 8;
    if (plan.driver === 'bitmaps') {
      assert.ok(!isRangeCheaper);
      assert.deepEqual(drives, isBitmap);
      assert.ok(rows.some((count, place) => isBitmap[place] === true && count === equality));
    } else if (plan.driver === 'ordered') {
      const place = drives.indexOf(true);
      assert.equal(drives.lastIndexOf(true), place);
      assert.deepEqual([isRange[place], rows[place]], isRangeCheaper ? [true, range] : [false, equality]);
      assert.equal(isBitmap[place], false);
    } else assert.ok(!drives.includes(true));
    assert.equal(plan.driver === 'none', rows.includes(0));
  }

  /** The row ids that the driver yields, in the order in which it must. */
  order({ driver, terms }: Plan, drawn: readonly ModelTerm[], startRowId: number): number[] {
    const { table } = this;
    const { rowIdMax } = table.locations;
    const driving = drawn[terms.findIndex(({ role }) => role === 'drives')];
    if (driver !== 'ordered' || driving?.high === undefined) {
      const all = table.matching([]);
      return [...all.filter((rowId) => rowId >= startRowId), ...all.filter((rowId) => rowId < startRowId)];
    }
    const byKey = table.matching([driving]).toSorted((a, b) => table.value(a, driving.field) - table.value(b, driving.field) || a - b);
    const skipped = startRowId > rowIdMax ? 0 : Math.floor(byKey.length * ((startRowId - 1) / rowIdMax));
    return [...byKey.slice(skipped), ...byKey.slice(0, skipped)];
  }
}

function run(seed: number): void {
  const one = new Run(seed);
  one.query();
  for (let round = 0; round < 5; round += 1) {
    for (let step = 0; step < 150; step += 1) one.change();
    for (let query = 0; query < 12; query += 1) one.query();
  }
}

test('Intersection finds each row that meets all terms once, in the order of its driver, and plans, counts and estimates alike', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 25 });
});
