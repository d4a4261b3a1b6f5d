/**
 * A table as the database holds it: every version of its schema, because a record stays encoded in the version it was written in.
 *
 * 1. Versions only add fields at the end; a field keeps its index in the schema for good.
 */
import { assert } from '@k-lani/base';
import {
  ByteWriter,
  encodeFieldSlot,
  keyFromRow,
  keyFromSlot,
  keyWordsOf,
  rowLayoutOf,
  upgradeRow,
  type RowLayout,
  type TableSchema,
} from '@k-lani/protocol';
import { RecordOffset, type RecordTarget } from '../log/record.ts';

/** An index that a schema declares. */
export interface IndexDeclaration {
  readonly fieldIndex: number;
  readonly kind: 'unique' | 'non_unique' | 'ordered';
  readonly keyWords: number;
  /** Key of the rows that were written before the field was added. */
  readonly defaultKey: Uint32Array;
}

export class StoredTable {
  readonly id: number;
  readonly name: string;
  /** By schema version, in the order in which they came: position of the schema's record. */
  readonly schemaPositions = new Map<number, number>();
  /** The row id that the next append gets. */
  rowIdNext = 1;
  /** By schema version. */
  readonly #layouts = new Map<number, RowLayout>();
  #layout: RowLayout;
  #indexes: readonly IndexDeclaration[] = [];

  constructor(id: number, schema: TableSchema) {
    this.id = id;
    this.name = schema.table;
    this.#layout = this.addVersion(schema);
  }

  /** Position of the record of the newest schema; 0 as long as it has none. */
  get schemaPosition(): number {
    return this.schemaPositions.get(this.schema.version) ?? 0;
  }

  /** The newest schema. */
  get schema(): TableSchema {
    return this.#layout.schema;
  }

  /** The layout of the newest schema. */
  get layout(): RowLayout {
    return this.#layout;
  }

  /** The indexes of the newest schema, in the order of their fields. */
  get indexes(): readonly IndexDeclaration[] {
    return this.#indexes;
  }

  /** Makes `schema` the newest one and returns its layout. */
  addVersion(schema: TableSchema): RowLayout {
    const layout = rowLayoutOf(schema);
    this.#layouts.set(schema.version, layout);
    this.#layout = layout;
    this.#indexes = schema.fields.flatMap((field, fieldIndex) =>
      field.index === undefined
        ? []
        : [{ fieldIndex, kind: field.index, keyWords: keyWordsOf(field), defaultKey: defaultKey(layout, fieldIndex) }],
    );
    return layout;
  }

  /** The layout of a version that a record of this table names. */
  layoutOf(schemaVersion: number): RowLayout {
    const layout = this.#layouts.get(schemaVersion);
    assert(layout !== undefined, 'A record names a version that its table has had');
    return layout;
  }

  /** Writes the key of one field of the record at `at` of `source`. */
  keyOfRecord(source: RecordTarget, at: number, index: IndexDeclaration, out: Uint32Array): void {
    const version = source.view.getUint32(at + RecordOffset.schemaVersion, true);
    const layout = version === this.#layout.schema.version ? this.#layout : this.layoutOf(version);
    if (index.fieldIndex >= layout.fields.length) out.set(index.defaultKey);
    else keyFromRow(layout, index.fieldIndex, source.bytes, source.view, at + RecordOffset.body, out, 0);
  }

  /**
   * Brings the row of the record at `at` into the layout `to`, when it is in another one; `undefined` when it is in that one already.
   * The result belongs to the caller.
   */
  rowInLayout(source: RecordTarget, at: number, to: RowLayout): ByteWriter | undefined {
    const version = source.view.getUint32(at + RecordOffset.schemaVersion, true);
    if (version === to.schema.version) return undefined;
    const writer = new ByteWriter();
    upgradeRow(this.layoutOf(version), to, source.bytes, source.view, at + RecordOffset.body, writer);
    return writer;
  }
}

function defaultKey(layout: RowLayout, fieldIndex: number): Uint32Array {
  const field = layout.schema.fields[fieldIndex];
  assert(field !== undefined, 'The field exists');
  const key = new Uint32Array(keyWordsOf(field));
  const value = field.default ?? null;
  if (value === null && field.required) return key;
  const writer = new ByteWriter();
  encodeFieldSlot(layout, fieldIndex, value, writer);
  keyFromSlot(field, writer.view, 1, value !== null, key, 0);
  return key;
}
