import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from './bytes-writer.ts';
import { decodeRow, encodeRow, validateRow } from './row-codec.ts';
import { assignFieldSlot, decodeFieldSlot, encodeFieldSlot, validateFieldSlot } from './row-field-slot.ts';
import { rowLayoutOf } from './row-layout.ts';
import { defineTable } from './schema.ts';

const layout = rowLayoutOf(
  defineTable({
    table: 'seats',
    fields: {
      rank: { type: 'uint16' },
      buyer: { type: 'fixed_string', length: 3, required: false },
      plan: { type: 'blob' },
      level: { type: 'float32', required: false },
    },
  }),
);

function slotOf(position: number, value: unknown): ByteWriter {
  const writer = new ByteWriter({ capacityBytes: 50 });
  writer.bytes.fill(0xee);
  encodeFieldSlot(layout, position, value, writer);
  return writer;
}

function validate(position: number, bytes: readonly number[]): number {
  const array = Uint8Array.from(bytes);
  return validateFieldSlot(layout, position, array, new DataView(array.buffer), 0, array.length);
}

test('encodeFieldSlot() writes a byte for presence and then the slot', () => {
  assert.deepEqual([...slotOf(0, 258).bytes.subarray(0, 4)], [1, 2, 1, 0xee]);
  assert.deepEqual([...slotOf(1, 'a').bytes.subarray(0, 5)], [1, 0x61, 0, 0, 0xee]);
  const none = slotOf(1, null);
  assert.deepEqual([none.length, none.bytes[0]], [1, 0]);
});

test('decodeFieldSlot() gives back what encodeFieldSlot() wrote, and validateFieldSlot() finds its end', () => {
  for (const [position, value] of [
    [0, 7],
    [1, 'abc'],
    [1, null],
    [3, 1.5],
  ] as const) {
    const { bytes, view, length } = slotOf(position, value);
    assert.equal(validateFieldSlot(layout, position, bytes, view, 0, length), length);
    assert.equal(decodeFieldSlot(layout, position, bytes, view, 0), value);
  }
});

test('encodeFieldSlot() refuses a value that its field does not hold, and leaves the writer as it was', () => {
  const writer = new ByteWriter();
  writer.u8(1);
  const refuse = (position: number, value: unknown, code: string) => {
    assert.throws(() => encodeFieldSlot(layout, position, value, writer), { code });
    assert.equal(writer.length, 1);
  };
  refuse(0, 65_536, 'FieldOutOfRange');
  refuse(0, null, 'FieldRequired');
  refuse(1, 'abcd', 'FieldOverflow');
  refuse(2, new Uint8Array(), 'Unsupported');
  refuse(4, 1, 'UnknownField');
});

test('validateFieldSlot() refuses bytes that are cut short or hold no value of the field', () => {
  assert.throws(() => validate(0, []), { code: 'Protocol', message: /needs 3 bytes, 0 are left/ });
  assert.throws(() => validate(0, [1, 2]), { code: 'Protocol', message: /needs 3 bytes, 2 are left/ });
  assert.throws(() => validate(0, [2, 0, 0]), { code: 'Protocol', message: /is 2, must be 0 or 1/ });
  assert.throws(() => validate(0, [0]), { code: 'FieldRequired' });
  assert.throws(() => validate(1, [1, 0xff, 0, 0]), { code: 'InvalidUtf8' });
  assert.throws(() => validate(3, [1, 0, 0, 0xc0, 0x7f]), { code: 'NotANumber' });
  assert.throws(() => validate(2, [0]), { code: 'Unsupported' });
  assert.throws(() => validate(9, [0]), { code: 'UnknownField' });
});

test('assignFieldSlot() sets one field of a row, to a value, to null and back', () => {
  const row = new ByteWriter();
  row.u8(0);
  encodeRow(layout, { rank: 1, plan: Uint8Array.of(4, 5), level: 2.5 }, row);
  const assign = (position: number, value: unknown) => {
    assignFieldSlot(layout, position, slotOf(position, value).bytes, 0, row.bytes, 1);
    validateRow(layout, row.bytes, row.view, 1, row.length - 1);
    return decodeRow(layout, row.bytes, row.view, 1, row.length - 1);
  };
  const plan = Uint8Array.of(4, 5);
  assert.deepEqual(assign(0, 9), { rank: 9, buyer: null, plan, level: 2.5 });
  assert.deepEqual(assign(1, 'abc'), { rank: 9, buyer: 'abc', plan, level: 2.5 });
  assert.deepEqual(assign(1, 'x'), { rank: 9, buyer: 'x', plan, level: 2.5 });
  assert.deepEqual(assign(1, null), { rank: 9, buyer: null, plan, level: 2.5 });
  assert.deepEqual(assign(3, null), { rank: 9, buyer: null, plan, level: null });
});
