import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeSchema, encodeSchema } from './schema-json.ts';
import { defineTable } from './schema.ts';

const seats = defineTable({
  table: 'seats',
  version: 2,
  ownerField: 'event',
  fields: {
    event: { type: 'uint64', index: 'ordered', default: 18_446_744_073_709_551_615n },
    buyer: { type: 'fixed_string', length: 16, required: false, label: 'Käufer' },
    price: { type: 'accounting_numeric', scale: 2, default: '5.00' },
    opens: { type: 'datetime', default: new Date(0) },
    plan: { type: 'blob', required: false },
  },
});

test('encodeSchema() writes the keys of the YAML file in a fixed order', () => {
  assert.equal(
    encodeSchema(seats),
    '{"table":"seats","version":2,"owner_field":"event","fields":[' +
      '{"name":"event","type":"uint64","index":"ordered","default":"18446744073709551615"},' +
      '{"name":"buyer","type":"fixed_string","length":16,"required":false,"label":"Käufer"},' +
      '{"name":"price","type":"accounting_numeric","scale":2,"default":"5.00"},' +
      '{"name":"opens","type":"datetime","default":"1970-01-01T00:00:00.000Z"},' +
      '{"name":"plan","type":"blob","required":false}]}',
  );
});

test('decodeSchema() gives back the schema, from the text and from what JSON.parse() makes of it', () => {
  assert.deepEqual(decodeSchema(encodeSchema(seats)), seats);
  assert.deepEqual(decodeSchema(JSON.parse(encodeSchema(seats))), seats);
});

test('decodeSchema() refuses everything else with SchemaValidation', () => {
  const field = { name: 'a', type: 'uint8' };
  const cases: [unknown, RegExp][] = [
    ['{', /not JSON/],
    [null, /must be an object/],
    [[], /must be an object/],
    ['5', /must be an object/],
    [{ table: 't' }, /fields must be a list/],
    [{ table: 't', fields: {} }, /fields must be a list/],
    [{ table: 't', fields: [5] }, /field 0 must be an object/],
    [{ table: 5, fields: [field] }, /name is 5/],
    [{ fields: [field] }, /name is undefined/],
    [{ table: 't', fields: [{ type: 'uint8' }] }, /name of field 0 is undefined/],
    [{ table: 't', fields: [field, { ...field, name: 'b' }, field] }, /field "a" is defined twice/],
    [{ table: 't', fields: [{ ...field, default: '5' }] }, /value is "5", must be a number/],
    [{ table: 't', fields: [{ ...field, default: null }] }, /default is null/],
    [{ table: 't', fields: [{ ...field, default: 300 }] }, /0 to 255/],
    [{ table: 't', fields: [field], ownerField: 'a' }, /it is "owner_field" here/],
    [{ table: 't', fields: [field], more: 1 }, /key "more" is unknown/],
    [{ table: 't', fields: [{ ...field, sizeBytes: 1 }] }, /key "sizeBytes" is unknown/],
    ['{"table":"t","fields":[{"name":"__proto__","type":"uint8"}]}', /name of field 0/],
  ];
  for (const [source, message] of cases) assert.throws(() => decodeSchema(source), { code: 'SchemaValidation', message });
});
