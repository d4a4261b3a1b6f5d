import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { PAGE_SIZE_BYTES, PageStore } from '../memory/page-store.ts';
import { TableSide } from './table-side.ts';

const KINDS = ['non_unique', 'unique', 'ordered', 'non_unique'] as const;
const STEPS = 20_000;

test('TableSide.memory counts every page of the store once, whatever is added and taken out', () => {
  for (const seed of [1, 2]) {
    const random = new SeededRandom(seed);
    const store = new PageStore();
    const side = TableSide.create(store);
    for (const [fieldIndex, kind] of KINDS.entries()) {
      side.addIndex(store, { fieldIndex, kind, keyWords: 2, defaultKey: new Uint32Array(2) });
    }
    const rows = new Map<number, readonly Uint32Array[]>();
    const check = (): void => {
      const { locationsBytes, indexes } = side.memory;
      const sizeBytes = indexes.reduce((sum, index) => sum + index.sizeBytes, locationsBytes);
      assert.equal(sizeBytes, store.pageCount * PAGE_SIZE_BYTES, `seed ${seed}`);
    };
    for (let step = 0; step < STEPS; step += 1) {
      const rowId = 1 + random.below(random.below(20) === 0 ? 0xffff_fff0 : 5000);
      const keys = [random.below(2), step, random.below(1000), random.below(300)].map((value) => Uint32Array.of(0, value));
      for (const [field, key] of (rows.get(rowId) ?? []).entries()) side.index(field).remove(key, rowId);
      if (random.below(3) > 0) {
        for (const [field, key] of keys.entries()) side.index(field).add(key, rowId);
        side.locations.set(rowId, 1 + step);
        rows.set(rowId, keys);
      } else if (rows.delete(rowId)) side.locations.set(rowId, -1 - step);
      if (step % 1000 === 0) check();
    }
    check();
    assert.deepEqual(
      TableSide.attach(store, side.roots).memory.indexes.map(({ fieldIndex }) => fieldIndex),
      KINDS.map((_, fieldIndex) => fieldIndex),
    );
  }
});
