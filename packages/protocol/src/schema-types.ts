/** The types of a table: its definition as it is written, and the rows and terms that follow from it without generated code. */
import type { Field, FieldType, FieldValue, FieldValues, IndexKind } from './field.ts';

interface AnyFieldDefinition {
  /** Whether every row has a value; true by default. */
  readonly required?: boolean;
  /** What people call it; at most 256 bytes. */
  readonly label?: string;
}

interface IndexableFieldDefinition<T extends FieldType> extends AnyFieldDefinition {
  readonly index?: IndexKind;
  /** The value of a new row that gives none. A `unique` field has none. */
  readonly default?: FieldValues[T];
}

interface PlainFieldDefinition<T extends FieldType> extends IndexableFieldDefinition<T> {
  readonly type: T;
  readonly length?: never;
  readonly scale?: never;
}

interface StringFieldDefinition extends IndexableFieldDefinition<'fixed_string'> {
  readonly type: 'fixed_string';
  /** The longest text in bytes of UTF-8: 1 to 4,096, indexed 1 to 256. */
  readonly length: number;
  readonly scale?: never;
}

interface NumericFieldDefinition extends IndexableFieldDefinition<'accounting_numeric'> {
  readonly type: 'accounting_numeric';
  /** Decimals, 0 to 18. */
  readonly scale: number;
  readonly length?: never;
}

interface BlobFieldDefinition extends AnyFieldDefinition {
  readonly type: 'blob';
  readonly index?: never;
  readonly default?: never;
  readonly length?: never;
  readonly scale?: never;
}

type PlainFieldType = Exclude<FieldType, 'fixed_string' | 'accounting_numeric' | 'blob'>;

/** One field as a program defines it. */
export type FieldDefinition =
  | { [T in PlainFieldType]: PlainFieldDefinition<T> }[PlainFieldType]
  | StringFieldDefinition
  | NumericFieldDefinition
  | BlobFieldDefinition;

/** The fields of a table by name, in the order of their slots. */
export type FieldDefinitions = Readonly<Record<string, FieldDefinition>>;

/** A table as a program defines it. */
export interface TableDefinition<F extends FieldDefinitions> {
  /** ASCII letters, digits, `_` and `-`; at most 128 bytes. */
  readonly table: string;
  /** Raised by one or more whenever fields are added; 1 by default. */
  readonly version?: number;
  /** The field that says what a row belongs to: its event, hotel or invoice. */
  readonly ownerField?: keyof F & string;
  readonly fields: F;
}

/** Carries the literal types of the fields; no object has this property. */
declare const definitions: unique symbol;

/**
 * A table's schema, checked and immutable. `F` keeps the literal types of a schema that was written in TypeScript; without it, the rows
 * are `Record<string, FieldValue>`.
 */
export interface TableSchema<F extends FieldDefinitions = FieldDefinitions> {
  readonly table: string;
  readonly version: number;
  readonly ownerField: string | undefined;
  /** In the order of their slots. */
  readonly fields: readonly Field[];
  readonly [definitions]?: F;
}

/** The schema of a table whose fields are known only at run time. */
export type DynamicSchema = TableSchema;

type FieldsOf<S extends TableSchema> = S extends TableSchema<infer F> ? F : never;

/** Holds for a definition that cannot say `required: false`; the type is there because one with optional keys only would fit nothing. */
interface Required {
  readonly type: FieldType;
  readonly required?: true;
}

type ValueOf<D extends FieldDefinition> = FieldValues[D['type']] | (D extends Required ? never : null);

type OmissibleFieldOf<F extends FieldDefinitions> = {
  [N in keyof F]: F[N] extends { readonly default: unknown } ? N : F[N] extends Required ? never : N;
}[keyof F];

type Flat<T> = { [N in keyof T]: T[N] };

/** A row as it is read: every field is there, those that are not required may be `null`. */
export type RowOf<S extends TableSchema> = string extends keyof FieldsOf<S>
  ? Record<string, FieldValue>
  : { -readonly [N in keyof FieldsOf<S>]: ValueOf<FieldsOf<S>[N]> };

/** A row as it is written: fields that are not required or have a default may be left out. */
export type NewRowOf<S extends TableSchema> = string extends keyof FieldsOf<S>
  ? Readonly<Record<string, FieldValue | undefined>>
  : Flat<
      { readonly [N in Exclude<keyof FieldsOf<S>, OmissibleFieldOf<FieldsOf<S>>>]: ValueOf<FieldsOf<S>[N]> } & {
        readonly [N in OmissibleFieldOf<FieldsOf<S>>]?: ValueOf<FieldsOf<S>[N]> | undefined;
      }
    >;

type FieldIndexedBy<S extends TableSchema, K extends IndexKind> = string extends keyof FieldsOf<S>
  ? string
  : { [N in keyof FieldsOf<S> & string]: FieldsOf<S>[N] extends { readonly index: K } ? N : never }[keyof FieldsOf<S> & string];

/** The names of the fields that can be asked for equality. */
export type IndexedFieldOf<S extends TableSchema> = FieldIndexedBy<S, IndexKind>;

/** The names of the fields that can be asked for ranges. */
export type RangeFieldOf<S extends TableSchema> = FieldIndexedBy<S, 'unique' | 'ordered'>;

/** The value of a field in a row. */
export type FieldValueOf<S extends TableSchema, N extends string> = string extends keyof FieldsOf<S>
  ? FieldValue
  : N extends keyof FieldsOf<S>
    ? ValueOf<FieldsOf<S>[N]>
    : never;

/** Rows whose field equals a value. */
export interface EqualityTerm<N extends string, V> {
  readonly field: N;
  /** `null` finds the rows without a value. */
  readonly eq: V;
  readonly gte?: never;
  readonly gt?: never;
  readonly lte?: never;
  readonly lt?: never;
}

interface NoLow {
  readonly gte?: never;
  readonly gt?: never;
}
type Low<V> = { readonly gte: V; readonly gt?: never } | { readonly gt: V; readonly gte?: never };
interface NoHigh {
  readonly lte?: never;
  readonly lt?: never;
}
type High<V> = { readonly lte: V; readonly lt?: never } | { readonly lt: V; readonly lte?: never };

/** Rows whose field lies between one or two bounds; rows without a value do not. */
export type RangeTerm<N extends string, V> = { readonly field: N; readonly eq?: never } & (
  | (Low<V> & NoHigh)
  | (NoLow & High<V>)
  | (Low<V> & High<V>)
);

/** One term of a query: an indexed field and the values asked for. */
export type TermOf<S extends TableSchema> =
  | { [N in IndexedFieldOf<S>]: EqualityTerm<N, FieldValueOf<S, N>> }[IndexedFieldOf<S>]
  | { [N in RangeFieldOf<S>]: RangeTerm<N, NonNullable<FieldValueOf<S, N>>> }[RangeFieldOf<S>];
