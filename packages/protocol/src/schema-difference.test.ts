import assert from 'node:assert/strict';
import test from 'node:test';
import { canEvolve, evolutionObstacles, schemaDifferences } from './schema-difference.ts';
import type { FieldDefinition } from './schema-types.ts';
import { defineTable } from './schema.ts';

const rank: FieldDefinition = { type: 'uint32', index: 'non_unique' };
const buyer: FieldDefinition = { type: 'fixed_string', length: 16, required: false };
const stored = defineTable({ table: 'seats', fields: { rank, buyer } });

test('schemaDifferences() has no lines for schemas that say the same', () => {
  assert.deepEqual(schemaDifferences(stored, defineTable({ table: 'seats', version: 1, fields: { rank, buyer } })), []);
});

test('schemaDifferences() has a line for everything that is otherwise', () => {
  const given = defineTable({
    table: 'places',
    version: 2,
    ownerField: 'gate',
    fields: {
      buyer: { type: 'fixed_string', length: 20, index: 'unique', label: 'Buyer' },
      gate: { type: 'uint8' },
      rank: { type: 'uint16', index: 'non_unique', default: 7 },
    },
  });
  assert.deepEqual(schemaDifferences(stored, given), [
    'table is seats, given as places',
    'version is 1, given as 2',
    'owner field is none, given as gate',
    'field "rank": position is 0, given as 2',
    'field "rank": type is uint32, given as uint16',
    'field "rank": default is none, given as 7',
    'field "buyer": position is 1, given as 0',
    'field "buyer": length is 16, given as 20',
    'field "buyer": required is false, given as true',
    'field "buyer": index is none, given as unique',
    'field "buyer": label is none, given as Buyer',
    'field "gate" is not stored',
  ]);
  assert.deepEqual(schemaDifferences(stored, defineTable({ table: 'seats', fields: { rank } })), ['field "buyer" is not given']);
});

test('canEvolve() allows fields behind the others with a default or not required, under a higher version', () => {
  const next = defineTable({ table: 'seats', version: 2, fields: { rank, buyer, vip: { type: 'bool', default: false }, note: buyer } });
  assert.ok(canEvolve(stored, next));
  assert.ok(canEvolve(stored, defineTable({ table: 'seats', version: 5, fields: { rank, buyer } })));
});

test('evolutionObstacles() names what cannot be', () => {
  const vip: FieldDefinition = { type: 'bool' };
  const obstacles = (version: number, fields: Record<string, FieldDefinition>) =>
    evolutionObstacles(stored, defineTable({ table: 'seats', version, fields }));
  assert.deepEqual(obstacles(2, { rank, buyer, vip }), ['field "vip" is new, must have a default or be required: false']);
  assert.deepEqual(obstacles(1, { rank, buyer, vip: { ...vip, required: false } }), ['version is 1, must be > 1']);
  assert.deepEqual(obstacles(2, { rank }), ['field "buyer" is not given']);
  assert.ok(obstacles(2, { vip: { ...vip, required: false }, rank, buyer }).length > 0);
  assert.deepEqual(obstacles(2, { rank: { type: 'uint32' }, buyer }), ['field "rank": index is non_unique, given as none']);
});
