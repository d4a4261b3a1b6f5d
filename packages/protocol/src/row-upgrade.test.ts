import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from './bytes-writer.ts';
import { decodeRow, encodeRow } from './row-codec.ts';
import { rowLayoutOf } from './row-layout.ts';
import { upgradeRow } from './row-upgrade.ts';
import { defineTable } from './schema.ts';

const buyer = { type: 'fixed_string', length: 4, required: false } as const;
const from = rowLayoutOf(defineTable({ table: 't', fields: { rank: { type: 'uint8' }, buyer, plan: { type: 'blob' } } }));
const added = { vip: { type: 'bool', default: true }, note: { type: 'blob', required: false } } as const;
const to = rowLayoutOf(
  defineTable({ table: 't', version: 2, fields: { rank: { type: 'uint8' }, buyer, plan: { type: 'blob' }, ...added } }),
);

const old = new ByteWriter();
encodeRow(from, { rank: 7, buyer: 'abcd', plan: Uint8Array.of(1, 2, 3) }, old);

test('upgradeRow() makes of a stored row a row of the newer version', () => {
  const writer = new ByteWriter();
  upgradeRow(from, to, old.bytes, old.view, 0, writer);
  const row = decodeRow(to, writer.bytes, writer.view, 0, writer.length);
  assert.deepEqual(row, { rank: 7, buyer: 'abcd', plan: Uint8Array.of(1, 2, 3), vip: true, note: null });
});

test('upgradeRow() leaves the writer as it was when its limit is passed', () => {
  const writer = new ByteWriter({ limitBytes: to.fixedSizeBytes + 3 });
  writer.u8(1);
  assert.throws(() => upgradeRow(from, to, old.bytes, old.view, 0, writer), { code: 'FrameTooLarge' });
  assert.equal(writer.length, 1);
});

test('upgradeRow() asserts that the layouts belong together', () => {
  const writer = new ByteWriter();
  assert.throws(() => upgradeRow(to, from, old.bytes, old.view, 0, writer), { name: 'AssertionError' });
});
