import assert from 'node:assert/strict';
import test from 'node:test';
import { CombinationTable, NOT_ANY } from './combination-table.ts';
import { Term } from './term.ts';

function termOf(fieldIndex: number, value: number): Term {
  const term = new Term();
  term.fieldIndex = fieldIndex;
  term.keyWords = 1;
  term.low[0] = value;
  return term;
}

const pair = (a: number, b: number): Term[] => [termOf(3, a), termOf(7, b)];

test('CombinationTable remembers what is said of each combination, by terms and by the keys of a row', () => {
  const table = new CombinationTable(pair(0, 0));
  for (let a = 0; a < 50; a += 1) {
    for (let b = 0; b < 50; b += 1) {
      assert.equal(table.slotOf(pair(a, b)), -1);
      const slot = table.add();
      assert.deepEqual([table.first(slot), table.count(slot)], [1, NOT_ANY]);
      table.setFirst(slot, 1 + a);
      table.setCount(slot, b);
    }
  }
  for (let a = 0; a < 50; a += 1) {
    for (let b = 0; b < 50; b += 1) {
      const slot = table.slotOf(pair(a, b));
      assert.deepEqual([table.first(slot), table.count(slot)], [1 + a, b]);
      const keys: Uint32Array[] = [];
      keys[3] = Uint32Array.of(a, 9);
      keys[7] = Uint32Array.of(b, 9);
      assert.equal(table.slotOfRow(keys), slot);
    }
  }
  assert.equal(table.isOf(pair(0, 0), 2), true);
  assert.equal(table.isOf([termOf(3, 0), termOf(8, 0)], 2), false);
  assert.equal(table.isOf([termOf(3, 0)], 1), false);
});

test('CombinationTable stays within its memory, and forgets what was looked up least lately', () => {
  const table = new CombinationTable(pair(0, 0));
  const kept = pair(1, 1);
  assert.equal(table.slotOf(kept), -1);
  table.setCount(table.add(), 17);
  for (let a = 2; a < 200_002; a += 1) {
    if (table.slotOf(pair(a, a)) < 0) table.setCount(table.add(), a);
    assert.ok(table.count(table.slotOf(kept)) === 17);
  }
  assert.ok(table.sizeBytes <= 2 << 20, `${table.sizeBytes} bytes`);
  assert.equal(table.slotOf(pair(2, 2)), -1);
  assert.equal(table.count(table.slotOf(pair(200_001, 200_001))), 200_001);
});
