import assert from 'node:assert/strict';
import test from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { parseSchemaYaml } from './schema-yaml.ts';

function refuses(text: string, message: RegExp): void {
  assert.throws(() => parseSchemaYaml(text), { name: 'KLaniError', code: 'SchemaValidation', message });
}

test('parseSchemaYaml() gives the schema that the same definition in TypeScript gives', () => {
  const schema = parseSchemaYaml(`
# Seats of an event.
table: seats
version: 2
owner_field: event
fields:
  - name: event
    type: uint32
    index: non_unique
  - { name: seat_no, type: fixed_string, length: 8, index: unique, label: "Seat" }
  - { name: price, type: accounting_numeric, scale: 2, index: ordered, default: 129.90 }
  - { name: serial, type: uint64, default: 18446744073709551615 }
  - { name: opens, type: datetime, default: 2026-12-31T20:00:00Z }
  - { name: day, type: date, default: 2026-12-31 }
  - { name: is_booked, type: bool, default: false }
  - { name: buyer, type: fixed_string, length: 32, required: false }
`);
  assert.deepEqual(
    schema,
    defineTable({
      table: 'seats',
      version: 2,
      ownerField: 'event',
      fields: {
        event: { type: 'uint32', index: 'non_unique' },
        seat_no: { type: 'fixed_string', length: 8, index: 'unique', label: 'Seat' },
        price: { type: 'accounting_numeric', scale: 2, index: 'ordered', default: '129.90' },
        serial: { type: 'uint64', default: 18_446_744_073_709_551_615n },
        opens: { type: 'datetime', default: new Date(Date.UTC(2026, 11, 31, 20)) },
        day: { type: 'date', default: '2026-12-31' },
        is_booked: { type: 'bool', default: false },
        buyer: { type: 'fixed_string', length: 32, required: false },
      },
    }),
  );
});

test('parseSchemaYaml() refuses keys that it does not know, with line and column', () => {
  refuses(
    'table: seats\ntabel: 5\nfields:\n  - { name: a, type: bool }\n',
    /^Cannot define table "seats": key "tabel" is unknown \(line 2, column 1\)$/,
  );
  refuses('table: seats\nownerField: a\nfields:\n  - { name: a, type: bool }\n', /"owner_field" here \(line 2, column 1\)$/);
  refuses(
    'table: seats\nfields:\n  - name: a\n    type: bool\n    lenght: 5\n',
    /field "a": key "lenght" is unknown \(line 5, column 5\)$/,
  );
});

test('parseSchemaYaml() says where a rule is broken', () => {
  refuses('table: a b\nfields:\n  - { name: a, type: bool }\n', /name is "a b", must be .* \(line 1, column 1\)$/);
  refuses('table: t\nfields:\n  - name: a\n    type: varchar\n', /type is "varchar", must be one of .* \(line 4, column 5\)$/);
  refuses('table: t\nfields:\n  - name: a\n    type: fixed_string\n    length: 0\n', /length is 0, must be .* \(line 5, column 5\)$/);
  refuses(
    'table: t\nfields:\n  - { name: a, type: bool }\n  - name: b\n    type: fixed_string\n',
    /length is undefined, must be .* \(line 4, column 5\)$/,
  );
  refuses('table: t\nfields:\n  - { name: a, type: bool }\n  - { name: a, type: bool }\n', /"a" is defined twice \(line 4, column 7\)$/);
  refuses('table: t\nowner_field: b\nfields:\n  - { name: a, type: bool }\n', /owner field is "b", .* \(line 2, column 1\)$/);
  refuses('table: t\nfields:\n  - { name: a, type: uint8, default: 300 }\n', /must be an integer, 0 to 255 \(line 3, column 29\)$/);
  refuses(
    'table: t\nfields:\n  - { name: a, type: accounting_numeric, scale: 2, default: 1.005 }\n',
    /at most 2 decimals \(line 3, column 52\)$/,
  );
  refuses('table: t\nfields: 5\n', /fields must be a list \(line 2, column 1\)$/);
  refuses('table: t\nfields:\n  - 5\n', /field 0 must be an object .* \(line 3, column 5\)$/);
  refuses('table: t\n', /fields must be a list \(line 1, column 1\)$/);
});

test('parseSchemaYaml() refuses what is not YAML, with line and column', () => {
  refuses('table: t\nfields: [', /it is not YAML: .* \(line 2, column \d+\)$/);
  refuses('table: t\ntable: u\nfields: []\n', /it is not YAML: Map keys must be unique \(line 2, column 1\)$/);
  refuses('table: !secret t\nfields: []\n', /it is not YAML: .* \(line 1, column 8\)$/);
  refuses('', /must be a mapping/);
  refuses('- table', /must be a mapping with the keys table and fields \(line 1, column 1\)$/);
  refuses('{"table":"t"', /it is not YAML/);
  refuses('table: t\n---\ntable: u\n', /it is not YAML/);
});

test('parseSchemaYaml() does not follow aliases into memory that never ends', () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array.from({ length: 9 }, () => `*l${level}`).join(', ')}]`,
  );
  refuses(['l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1]', ...levels, 'table: t', 'fields: []'].join('\n'), /aliases cannot be followed/);
});
