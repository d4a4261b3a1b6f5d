import assert from 'node:assert/strict';
import test from 'node:test';
import type { FieldDefinition, FieldDefinitions, TableSchema } from './schema-types.ts';
import { defineTable } from './schema.ts';

function define(fields: Record<string, unknown>, table = 't'): TableSchema {
  return defineTable({ table, fields: fields as FieldDefinitions });
}

function refuses(fields: Record<string, unknown>, message: RegExp): void {
  assert.throws(() => define(fields), { name: 'KLaniError', code: 'SchemaValidation', message });
}

test('defineTable() completes a definition and freezes it', () => {
  const schema = defineTable({
    table: 'seats-2026_a',
    version: 3,
    ownerField: 'event',
    fields: {
      event: { type: 'uint64', index: 'ordered' },
      buyer: { type: 'fixed_string', length: 16, required: false, label: 'Käufer', default: 'nobody' },
      price: { type: 'accounting_numeric', scale: 2, default: '5' },
    },
  });
  assert.equal(schema.version, 3);
  assert.equal(schema.ownerField, 'event');
  assert.deepEqual(
    schema.fields.map(({ name, sizeBytes, scale, required, index, default: value, label }) => [
      name,
      sizeBytes,
      scale,
      required,
      index,
      value,
      label,
    ]),
    [
      ['event', 8, 0, true, 'ordered', undefined, undefined],
      ['buyer', 16, 0, false, undefined, 'nobody', 'Käufer'],
      ['price', 8, 2, true, undefined, '5.00', undefined],
    ],
  );
  assert.ok(Object.isFrozen(schema) && Object.isFrozen(schema.fields) && schema.fields.every((field) => Object.isFrozen(field)));
  assert.equal(defineTable({ table: 't', fields: { a: { type: 'bool' } } }).version, 1);
});

test('defineTable() keeps a default that the caller changes later', () => {
  const opens = new Date(0);
  const schema = define({ opens: { type: 'datetime', default: opens } });
  opens.setTime(5);
  assert.deepEqual(schema.fields[0]?.default, new Date(0));
});

test('rule 1: the name of a table is of ASCII letters, digits, "_" and "-", at most 128; its version is 1 to 2^32 - 1', () => {
  define({ a: { type: 'bool' } }, 'x'.repeat(128));
  for (const table of ['', 'x'.repeat(129), 'a b', 'ä', '../x', 'a/b']) {
    assert.throws(() => define({ a: { type: 'bool' } }, table), { code: 'SchemaValidation', message: /must be 1 to 128 ASCII/ });
  }
  for (const version of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
    assert.throws(() => defineTable({ table: 't', version, fields: { a: { type: 'bool' } } }), {
      code: 'SchemaValidation',
      message: /version is/,
    });
  }
});

test('rule 2: a table has 1 to 256 fields and at most 65,535 bytes a row without blobs', () => {
  const many = (count: number, field: FieldDefinition) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, field]));
  refuses({}, /number of fields is 0, must be 1 to 256/);
  assert.equal(define(many(256, { type: 'uint8' })).fields.length, 256);
  refuses(many(257, { type: 'uint8' }), /number of fields is 257/);
  define({ ...many(15, { type: 'fixed_string', length: 4096 }), last: { type: 'fixed_string', length: 4095 } });
  refuses(many(16, { type: 'fixed_string', length: 4096 }), /65536 bytes, must be <= 65535/);
  refuses(
    { ...many(15, { type: 'fixed_string', length: 4096 }), last: { type: 'fixed_string', length: 4095, required: false } },
    /65536 bytes/,
  );
});

test('rule 3: the name of a field begins with a letter, is at most 64 bytes, and is no property of every object', () => {
  define({ ['a'.repeat(64)]: { type: 'bool' } });
  for (const name of ['', '1a', '_a', 'a b', 'é', 'a'.repeat(65), 'constructor', 'toString', 'hasOwnProperty']) {
    refuses({ [name]: { type: 'bool' } }, /name of field 0 is/);
  }
});

test('rule 4: a fixed_string has a length, 1 to 4,096, indexed 1 to 256; no other type has one', () => {
  define({ a: { type: 'fixed_string', length: 4096 }, b: { type: 'fixed_string', length: 256, index: 'unique' } });
  for (const length of [undefined, 0, 4097, 1.5, '5', null])
    refuses({ a: { type: 'fixed_string', length } }, /length is .*, must be an integer, 1 to 4096/);
  refuses(
    { a: { type: 'fixed_string', length: 257, index: 'ordered' } },
    /field "a": length is 257, must be an integer, 1 to 256 for an indexed field/,
  );
  refuses({ a: { type: 'uint8', length: 1 } }, /length is 1, must be left out for uint8/);
});

test('rule 5: an accounting_numeric has a scale, 0 to 18; no other type has one', () => {
  define({ a: { type: 'accounting_numeric', scale: 0 }, b: { type: 'accounting_numeric', scale: 18 } });
  for (const scale of [undefined, -1, 19, 0.5])
    refuses({ a: { type: 'accounting_numeric', scale } }, /scale is .*, must be an integer, 0 to 18/);
  refuses({ a: { type: 'float64', scale: 2 } }, /scale is 2, must be left out for float64/);
});

test('rule 6: a blob has no index and no default', () => {
  refuses({ a: { type: 'blob', index: 'non_unique' } }, /a blob cannot be indexed/);
  refuses({ a: { type: 'blob', default: new Uint8Array(1) } }, /must be left out for blob/);
});

test('rule 7: a default is a value of its field, and a unique field has none', () => {
  refuses({ a: { type: 'uint8', default: 256 } }, /field "a": default is 256: .*must be an integer, 0 to 255/);
  refuses({ a: { type: 'uint8', default: null } }, /default is null/);
  refuses({ a: { type: 'fixed_string', length: 2, default: 'abc' } }, /size is 3 bytes, must be <= 2/);
  refuses({ a: { type: 'uint8', default: 1, index: 'unique' } }, /must be left out for a unique field/);
});

test('rule 8: the owner field is a required field that is not a blob', () => {
  const defineOwned = (ownerField: string, field: FieldDefinition) => {
    const fields: FieldDefinitions = { a: field };
    return defineTable({ table: 't', ownerField, fields });
  };
  assert.throws(() => defineOwned('b', { type: 'bool' }), {
    code: 'SchemaValidation',
    message: /owner field is "b", must be the name of a field/,
  });
  assert.throws(() => defineOwned('a', { type: 'bool', required: false }), { code: 'SchemaValidation', message: /required field/ });
  assert.throws(() => defineOwned('a', { type: 'blob' }), { code: 'SchemaValidation', message: /not a blob/ });
});

test('rule 9: a key that is not known is refused, and so are values of the wrong type', () => {
  refuses({ a: { type: 'uint8', lenght: 3 } }, /key "lenght" is unknown/);
  refuses({ a: { type: 'uint128' } }, /type is "uint128", must be one of bool, uint8/);
  refuses({ a: { type: 'toString' } }, /type is "toString"/);
  refuses({ a: { type: 'bool', index: 'btree' } }, /index is "btree", must be one of unique, non_unique, ordered/);
  refuses({ a: { type: 'bool', required: 'yes' } }, /required is "yes"/);
  refuses({ a: { type: 'bool', label: 'x'.repeat(257) } }, /label is .* at most 256 bytes/);
  const definition = { table: 't', owner_field: 'a', fields: { a: { type: 'bool' } } } as const;
  assert.throws(() => defineTable(definition), {
    code: 'SchemaValidation',
    message: 'Cannot define table "t": key "owner_field" is unknown',
  });
});
