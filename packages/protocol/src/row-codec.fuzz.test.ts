import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { ByteWriter } from './bytes-writer.ts';
import { KLaniError } from './errors.ts';
import { definitionOf, fieldSamples, type FieldSample } from './field-arbitraries.test.ts';
import type { FieldValue } from './field.ts';
import { decodeRow, encodeRow, validateRow } from './row-codec.ts';
import { rowLayoutOf, type RowLayout } from './row-layout.ts';
import { upgradeRow } from './row-upgrade.ts';
import type { FieldDefinition } from './schema-types.ts';
import { defineTable } from './schema.ts';

interface Case {
  readonly samples: readonly { readonly sample: FieldSample; readonly required: boolean }[];
  readonly rows: readonly (readonly FieldValue[])[];
}

const cases: fc.Arbitrary<Case> = fc
  .array(fc.record({ sample: fieldSamples, required: fc.boolean() }), { minLength: 1, maxLength: 12 })
  .chain((samples) =>
    fc.record({
      samples: fc.constant(samples),
      rows: fc.array(fc.tuple(...samples.map(({ sample, required }) => (required ? sample.values : fc.option(sample.values)))), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  );

function layoutOf(samples: Case['samples'], version = 1): RowLayout {
  const fields = samples.map(({ sample, required }, index): [string, FieldDefinition] => [`f${index}`, definitionOf(sample, { required })]);
  return rowLayoutOf(defineTable({ table: 't', version, fields: Object.fromEntries(fields) }));
}

function rowOf(values: readonly FieldValue[]): Record<string, FieldValue> {
  return Object.fromEntries(values.map((value, index) => [`f${index}`, value]));
}

test('decodeRow() gives back every row that encodeRow() wrote, and validateRow() passes it', () => {
  fc.assert(
    fc.property(cases, ({ samples, rows }) => {
      const layout = layoutOf(samples);
      const writer = new ByteWriter({ capacityBytes: 1 });
      const offsets = rows.map((values) => {
        const offset = writer.length;
        encodeRow(layout, rowOf(values), writer);
        return offset;
      });
      for (const [index, values] of rows.entries()) {
        const offset = offsets[index] ?? 0;
        const length = (offsets[index + 1] ?? writer.length) - offset;
        validateRow(layout, writer.bytes, writer.view, offset, length);
        assert.deepStrictEqual(decodeRow(layout, writer.bytes, writer.view, offset, length), rowOf(values));
      }
    }),
    { numRuns: 300 },
  );
});

test('validateRow() either refuses mutated bytes with a code, or they are the one form of a row', () => {
  const mutation = fc.record({ at: fc.nat(1000), value: fc.nat(255), cut: fc.nat(3) });
  fc.assert(
    fc.property(cases, fc.array(mutation, { minLength: 1, maxLength: 3 }), ({ samples, rows }, mutations) => {
      const layout = layoutOf(samples);
      const writer = new ByteWriter();
      encodeRow(layout, rowOf(rows[0] ?? []), writer);
      const bytes = writer.bytes.slice(0, writer.length - Math.min(writer.length, mutations[0]?.cut ?? 0));
      for (const { at, value } of mutations) if (bytes.length > 0) bytes[at % bytes.length] = value;
      const view = new DataView(bytes.buffer);
      try {
        validateRow(layout, bytes, view, 0, bytes.length);
      } catch (error) {
        assert.ok(error instanceof KLaniError, String(error));
        return;
      }
      const again = new ByteWriter();
      encodeRow(layout, decodeRow(layout, bytes, view, 0, bytes.length), again);
      assert.deepEqual(again.bytes.subarray(0, again.length), bytes);
    }),
    { numRuns: 500 },
  );
});

test('upgradeRow() keeps the fields of a row and gives the new ones their defaults', () => {
  fc.assert(
    fc.property(cases, fc.nat(3), ({ samples, rows }, addedCount) => {
      const from = layoutOf(samples);
      const values = rows[0] ?? [];
      const definitions = samples.map(({ sample, required }, index) => [`f${index}`, definitionOf(sample, { required })] as const);
      const added: (readonly [string, FieldDefinition])[] = [
        ['note', { type: 'fixed_string', length: 9, required: false }],
        ['level', { type: 'int16', default: -5 }],
        ['map', { type: 'blob', required: false }],
      ];
      const fields = Object.fromEntries([...definitions, ...added.slice(0, addedCount)]);
      const to = rowLayoutOf(defineTable({ table: 't', version: 2, fields }));
      const old = new ByteWriter();
      old.u8(0);
      encodeRow(from, rowOf(values), old);
      const writer = new ByteWriter();
      writer.bytes.fill(0xee);
      writer.u8(0);
      upgradeRow(from, to, old.bytes, old.view, 1, writer);
      validateRow(to, writer.bytes, writer.view, 1, writer.length - 1);
      const expected = {
        ...rowOf(values),
        ...Object.fromEntries(
          [
            ['note', null],
            ['level', -5],
            ['map', null],
          ].slice(0, addedCount),
        ),
      };
      assert.deepStrictEqual(decodeRow(to, writer.bytes, writer.view, 1, writer.length - 1), expected);
    }),
    { numRuns: 200 },
  );
});
