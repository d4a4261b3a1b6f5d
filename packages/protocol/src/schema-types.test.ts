/** Most of this file is checked by `tsc`: an assignment that should fail is marked, and fails the check when it does not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from './bytes-writer.ts';
import type { FieldValue } from './field.ts';
import { decodeRow, encodeRow } from './row-codec.ts';
import { rowLayoutOf, type RowLayout } from './row-layout.ts';
import type { DynamicSchema, FieldValueOf, IndexedFieldOf, NewRowOf, RangeFieldOf, RowOf, TableSchema, TermOf } from './schema-types.ts';
import { defineTable } from './schema.ts';

/** True where two types are the same and not only assignable to each other. */
type Same<A, B> = (<T>(value: T) => T extends A ? 1 : 2) extends <T>(value: T) => T extends B ? 1 : 2 ? true : false;

/** Fails the type check unless it is told `true`. */
function holds<Claim extends true>(claim?: Claim): Claim | undefined {
  return claim;
}

const seats = defineTable({
  table: 'seats',
  ownerField: 'event',
  fields: {
    event: { type: 'uint64' },
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'fixed_string', length: 8, index: 'unique' },
    price: { type: 'accounting_numeric', scale: 2, index: 'ordered', default: '0.00' },
    buyer: { type: 'fixed_string', length: 16, required: false, index: 'non_unique' },
    sold_at: { type: 'datetime', required: false, index: 'ordered' },
    opens: { type: 'date' },
    vip: { type: 'bool', required: true },
    plan: { type: 'blob', required: false },
  },
});
type Seats = typeof seats;

test('RowOf, NewRowOf and the names of fields follow from the literal', () => {
  holds<
    Same<
      RowOf<Seats>,
      {
        event: bigint;
        rank: number;
        seat_no: string;
        price: string;
        buyer: string | null;
        sold_at: Date | null;
        opens: string;
        vip: boolean;
        plan: Uint8Array | null;
      }
    >
  >();
  holds<
    Same<
      NewRowOf<Seats>,
      {
        readonly event: bigint;
        readonly rank: number;
        readonly seat_no: string;
        readonly opens: string;
        readonly vip: boolean;
        readonly price?: string | undefined;
        readonly buyer?: string | null | undefined;
        readonly sold_at?: Date | null | undefined;
        readonly plan?: Uint8Array | null | undefined;
      }
    >
  >();
  holds<Same<IndexedFieldOf<Seats>, 'rank' | 'seat_no' | 'price' | 'buyer' | 'sold_at'>>();
  holds<Same<RangeFieldOf<Seats>, 'seat_no' | 'price' | 'sold_at'>>();
  holds<Same<FieldValueOf<Seats, 'buyer'>, string | null>>();
  assert.equal(seats.fields.length, 9);
});

test('TermOf takes indexed fields with their values, and ranges where the index has an order', () => {
  const terms: TermOf<Seats>[] = [
    { field: 'rank', eq: 3 },
    { field: 'buyer', eq: null },
    { field: 'price', gte: '10.00', lt: '20.00' },
    { field: 'price', lte: '20.00' },
    { field: 'seat_no', gt: 'A' },
    { field: 'sold_at', eq: null },
    // @ts-expect-error: the field has no index
    { field: 'opens', eq: '2026-12-31' },
    // @ts-expect-error: the table has no such field
    { field: 'nonesuch', eq: 1 },
    // @ts-expect-error: the value is of another type
    { field: 'rank', eq: 'three' },
    // @ts-expect-error: the field is required
    { field: 'rank', eq: null },
    // @ts-expect-error: non_unique answers equality only
    { field: 'rank', gte: 3 },
    // @ts-expect-error: two lower bounds
    { field: 'price', gte: '1.00', gt: '2.00' },
    // @ts-expect-error: equality and a bound
    { field: 'price', eq: '1.00', lt: '2.00' },
    // @ts-expect-error: no bound at all
    { field: 'price' },
    // @ts-expect-error: null has no place in an order
    { field: 'sold_at', gte: null },
  ];
  assert.equal(terms.length, 15);
});

test('defineTable() refuses a definition of the wrong form in the type check already', () => {
  assert.throws(() => {
    // @ts-expect-error: a fixed_string has a length
    defineTable({ table: 't', fields: { a: { type: 'fixed_string' } } });
  });
  assert.throws(() => {
    // @ts-expect-error: only a fixed_string has a length
    defineTable({ table: 't', fields: { a: { type: 'uint8', length: 3 } } });
  });
  assert.throws(() => {
    // @ts-expect-error: a blob has no index
    defineTable({ table: 't', fields: { a: { type: 'blob', index: 'unique' } } });
  });
  assert.throws(() => {
    // @ts-expect-error: the default is of another type
    defineTable({ table: 't', fields: { a: { type: 'uint8', default: 'x' } } });
  });
  assert.throws(() => {
    // @ts-expect-error: the owner field is no field
    defineTable({ table: 't', ownerField: 'b', fields: { a: { type: 'uint8' } } });
  });
});

test('a schema without literal types has rows of any field, and terms of any field', () => {
  const dynamic: DynamicSchema = seats;
  holds<Same<RowOf<DynamicSchema>, Record<string, FieldValue>>>();
  holds<Same<NewRowOf<DynamicSchema>, Readonly<Record<string, FieldValue | undefined>>>>();
  const terms: TermOf<DynamicSchema>[] = [
    { field: 'anything', eq: 1 },
    { field: 'anything', gte: 1n, lt: 2n },
  ];
  assert.equal(dynamic.fields.length + terms.length, 11);
});

test('code that is generic over the schema passes typed rows in and out', () => {
  class Box<S extends TableSchema> {
    readonly #layout: RowLayout<S>;
    readonly #writer = new ByteWriter();

    constructor(schema: S) {
      this.#layout = rowLayoutOf(schema);
    }

    put(row: NewRowOf<S>): void {
      this.#writer.reset();
      encodeRow(this.#layout, row, this.#writer);
    }

    get(): RowOf<S> {
      return decodeRow(this.#layout, this.#writer.bytes, this.#writer.view, 0, this.#writer.length);
    }
  }
  const box = new Box(defineTable({ table: 't', fields: { a: { type: 'uint8' }, b: { type: 'bool', required: false } } }));
  box.put({ a: 7 });
  const row: { a: number; b: boolean | null } = box.get();
  assert.deepEqual(row, { a: 7, b: null });
  // @ts-expect-error: the field is of another type
  assert.throws(() => box.put({ a: 'seven' }));
  const dynamic: Box<TableSchema> = new Box<TableSchema>(seats);
  assert.throws(() => dynamic.put({ nonesuch: 1 }));
});
