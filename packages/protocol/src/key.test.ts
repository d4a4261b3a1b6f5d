import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from './bytes-writer.ts';
import type { FieldValue } from './field.ts';
import { compareKeys, decrementKey, highestKey, incrementKey, keyFromRow, keyFromSlot, keyWordsOf, lowestKey } from './key.ts';
import { encodeFieldSlot } from './row-field-slot.ts';
import { fieldLayoutAt, rowLayoutOf, type RowLayout } from './row-layout.ts';
import { encodeRow } from './row-codec.ts';
import type { FieldDefinition } from './schema-types.ts';
import { defineTable } from './schema.ts';

function layoutOf(definition: FieldDefinition): RowLayout {
  return rowLayoutOf(defineTable({ table: 't', fields: { f: definition } }));
}

function keyOf(definition: FieldDefinition, value: FieldValue): number[] {
  const layout = layoutOf(definition);
  const { field } = fieldLayoutAt(layout, 0);
  const slot = new ByteWriter();
  encodeFieldSlot(layout, 0, value, slot);
  const key = new Uint32Array(keyWordsOf(field) + 2).fill(0xeeee);
  keyFromSlot(field, slot.view, 1, slot.bytes[0] === 1, key, 1);
  assert.deepEqual([key[0], key.at(-1)], [0xeeee, 0xeeee]);

  const row = new ByteWriter();
  row.u8(0);
  encodeRow(layout, { f: value }, row);
  const fromRow = new Uint32Array(keyWordsOf(field));
  keyFromRow(layout, 0, row.bytes, row.view, 1, fromRow, 0);
  assert.deepEqual(fromRow, key.slice(1, -1));
  return [...fromRow];
}

test('a key has the words of the table in key.ts, from a slot and from a row', () => {
  const cases: [FieldDefinition, FieldValue, number[]][] = [
    [{ type: 'bool' }, true, [1]],
    [{ type: 'uint32' }, 0x0102_0304, [0x0102_0304]],
    [{ type: 'int8' }, -1, [0x7fff_ffff]],
    [{ type: 'int32' }, 0, [0x8000_0000]],
    [{ type: 'uint64' }, 0x0102_0304_0506_0708n, [0x0102_0304, 0x0506_0708]],
    [{ type: 'int64' }, -1n, [0x7fff_ffff, 0xffff_ffff]],
    [{ type: 'float32' }, 1, [0xbf80_0000]],
    [{ type: 'float64' }, -1, [0x400f_ffff, 0xffff_ffff]],
    [{ type: 'fixed_string', length: 6 }, 'abcde', [0x6162_6364, 0x6500_0000]],
    [{ type: 'uuid_v7' }, '01980000-0001-7002-8003-00000000abcd', [0x0198_0000, 0x0001_7002, 0x8003_0000, 0x0000_abcd]],
    [{ type: 'uint8', required: false }, 5, [1, 5]],
    [{ type: 'uint64', required: false }, null, [0, 0, 0]],
  ];
  for (const [definition, value, words] of cases) assert.deepEqual(keyOf(definition, value), words, definition.type);
});

test('0 and -0 have one key', () => {
  for (const type of ['float32', 'float64'] as const) assert.deepEqual(keyOf({ type }, -0), keyOf({ type }, 0));
});

test('regression: integers around every byte boundary keep their order, as little-endian keys would not', () => {
  // With the bytes of a slot as the key, 256 would sort before 1, and an engine whose keys were little-endian sold 919 of 1,000 rooms.
  const types = ['uint16', 'uint32', 'int16', 'int32'] as const;
  for (const type of types) {
    const keys = Array.from({ length: 1000 }, (_, room) => keyOf({ type }, room)[0] ?? 0);
    assert.deepEqual(
      keys,
      keys.toSorted((a, b) => a - b),
      type,
    );
    assert.equal(new Set(keys).size, 1000);
  }
});

test('incrementKey() and decrementKey() step over word boundaries and stop at the ends', () => {
  const key = Uint32Array.of(7, 1, 0xffff_ffff, 9);
  assert.ok(incrementKey(key, 1, 2));
  assert.deepEqual([...key], [7, 2, 0, 9]);
  assert.ok(decrementKey(key, 1, 2));
  assert.deepEqual([...key], [7, 1, 0xffff_ffff, 9]);
  const last = Uint32Array.of(0xffff_ffff, 0xffff_ffff);
  assert.equal(incrementKey(last, 0, 2), false);
  assert.deepEqual([...last], [0xffff_ffff, 0xffff_ffff]);
  const first = Uint32Array.of(0, 0);
  assert.equal(decrementKey(first, 0, 2), false);
  assert.deepEqual([...first], [0, 0]);
});

test('an exclusive bound at the end of a type leaves an empty range, and never reaches the nulls', () => {
  const { field } = fieldLayoutAt(layoutOf({ type: 'uint32', required: false, index: 'ordered' }), 0);
  const low = new Uint32Array(2);
  const high = new Uint32Array(2);
  lowestKey(field, low, 0);
  highestKey(field, high, 0);
  assert.deepEqual(
    [[...low], [...high]],
    [
      [1, 0],
      [1, 0xffff_ffff],
    ],
  );
  assert.ok(compareKeys(Uint32Array.from(keyOf({ type: 'uint32', required: false }, null)), 0, low, 0, 2) < 0);
  // Below the least value there is nothing between the bounds.
  const belowLeast = Uint32Array.from(keyOf({ type: 'uint32', required: false }, 0));
  assert.ok(decrementKey(belowLeast, 0, 2));
  assert.ok(compareKeys(belowLeast, 0, low, 0, 2) < 0);
  const aboveGreatest = Uint32Array.from(keyOf({ type: 'uint32', required: false }, 0xffff_ffff));
  assert.ok(incrementKey(aboveGreatest, 0, 2));
  assert.ok(compareKeys(aboveGreatest, 0, high, 0, 2) > 0);
});

test('keyFromSlot() asserts that a required field has a value, and that the field is no blob', () => {
  const view = new DataView(new ArrayBuffer(8));
  const out = new Uint32Array(4);
  assert.throws(() => keyFromSlot(fieldLayoutAt(layoutOf({ type: 'uint8' }), 0).field, view, 0, false, out, 0), { name: 'AssertionError' });
  assert.throws(() => keyFromSlot(fieldLayoutAt(layoutOf({ type: 'blob' }), 0).field, view, 0, true, out, 0), { name: 'AssertionError' });
});
