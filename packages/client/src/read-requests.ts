/** Reads. Asked again as they are when their connection was lost. */
import {
  type ByteReader,
  type ByteWriter,
  ERRORS,
  type Explanation,
  KLaniError,
  Opcode,
  type TableSchema,
  type TermOf,
  decodeCountAnswer,
  decodeJsonAnswer,
  decodeRowIds,
  decodeRows,
  decodeSeekAnswer,
  encodeFetchRequest,
  encodeQueryIntersectRequest,
  encodeSeekByFieldRequest,
  encodeSeekByPredicateRequest,
  encodeSeekRequest,
  encodeTerm,
  encodeTerms,
  encodeTermsRequest,
  fieldPositionOf,
  type VersionedRow,
} from '@k-lani/protocol';
import type { OpenTable } from './open-tables.ts';
import { readVersionedRow } from './rows.ts';
import { TableRequest } from './table-request.ts';

/** Terms whose types were checked where the schema is known. */
export type AnyTerm = TermOf<TableSchema>;

const NOT_FOUND = ERRORS.NotFound.number;

export class SeekCall<Row> extends TableRequest<VersionedRow<Row> | undefined> {
  readonly opcode = Opcode.Seek;
  readonly #rowId: number;

  constructor(table: OpenTable, rowId: number) {
    super(table);
    this.#rowId = rowId;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeSeekRequest(writer, this.handle.number, this.#rowId);
  }

  decode(reader: ByteReader): VersionedRow<Row> {
    return readVersionedRow(reader, this.handle.layout, decodeSeekAnswer(reader));
  }

  override refused(status: number, reader: ByteReader, retryAfterMs: number): VersionedRow<Row> | undefined | KLaniError {
    return status === NOT_FOUND ? undefined : super.refused(status, reader, retryAfterMs);
  }
}

abstract class RowsCall<Row> extends TableRequest<VersionedRow<Row>[]> {
  decode(reader: ByteReader): VersionedRow<Row>[] {
    return decodeRows(reader).map((wire) => readVersionedRow(reader, this.handle.layout, wire));
  }
}

export class SeekByFieldCall<Row> extends RowsCall<Row> {
  readonly opcode = Opcode.SeekByField;
  readonly #query: { readonly field: string; readonly value: unknown; readonly limit: number };

  constructor(table: OpenTable, query: { readonly field: string; readonly value: unknown; readonly limit: number }) {
    super(table);
    this.#query = query;
  }

  protected encodePayload(writer: ByteWriter): void {
    const { number, layout } = this.handle;
    const { field, value, limit } = this.#query;
    encodeSeekByFieldRequest(writer, layout, { handle: number, limit, field: fieldPositionOf(layout, field), value });
  }
}

export class SeekByPredicateCall<Row> extends RowsCall<Row> {
  readonly opcode = Opcode.SeekByPredicate;
  readonly #term: AnyTerm;
  readonly #limit: number;

  constructor(table: OpenTable, term: AnyTerm, limit: number) {
    super(table);
    this.#term = term;
    this.#limit = limit;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeSeekByPredicateRequest(writer, this.handle.number, this.#limit);
    encodeTerm(writer, this.handle.layout, this.#term);
  }
}

export class FetchCall<Row> extends RowsCall<Row> {
  readonly opcode = Opcode.Fetch;
  readonly #rowIds: readonly number[];

  constructor(table: OpenTable, rowIds: readonly number[]) {
    super(table);
    this.#rowIds = rowIds;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeFetchRequest(writer, this.handle.number, this.#rowIds);
  }
}

export class QueryIntersectCall extends TableRequest<number[]> {
  readonly opcode = Opcode.QueryIntersect;
  readonly #terms: readonly AnyTerm[];
  readonly #limit: number;
  readonly #spread: number;

  constructor(table: OpenTable, terms: readonly AnyTerm[], { limit, spread }: { readonly limit: number; readonly spread: number }) {
    super(table);
    this.#terms = terms;
    this.#limit = limit;
    this.#spread = spread;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeQueryIntersectRequest(writer, this.handle.number, this.#limit, this.#spread);
    encodeTerms(writer, this.handle.layout, this.#terms);
  }

  decode(reader: ByteReader): number[] {
    return decodeRowIds(reader);
  }
}

abstract class TermsCall<T> extends TableRequest<T> {
  readonly #terms: readonly AnyTerm[];

  constructor(table: OpenTable, terms: readonly AnyTerm[]) {
    super(table);
    this.#terms = terms;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeTermsRequest(writer, this.handle.number);
    encodeTerms(writer, this.handle.layout, this.#terms);
  }
}

export class CountCall extends TermsCall<number> {
  readonly opcode = Opcode.Count;

  decode(reader: ByteReader): number {
    return decodeCountAnswer(reader);
  }
}

/** What the server says of itself or of its work, for people; its keys are no part of the protocol. */
export type Report = Readonly<Record<string, unknown>>;

export class ExplainCall extends TermsCall<Explanation> {
  readonly opcode = Opcode.Explain;

  decode(reader: ByteReader): Explanation {
    const { driver, estimate, terms } = readReport(reader);
    if (isDriver(driver) && typeof estimate === 'number' && Array.isArray(terms))
      return { driver, estimate, terms: terms.map(explainedTerm) };
    throw new KLaniError('Protocol', 'Cannot read explanation: driver, estimate and terms do not have their forms');
  }
}

function isDriver(driver: unknown): driver is Explanation['driver'] {
  return driver === 'none' || driver === 'bitmaps' || driver === 'ordered' || driver === 'rows';
}

function explainedTerm(term: unknown): Explanation['terms'][number] {
  if (typeof term === 'object' && term !== null && 'field' in term && 'role' in term && 'rows' in term) {
    const { field, role, rows } = term;
    if (typeof field === 'string' && (role === 'drives' || role === 'filters') && typeof rows === 'number') return { field, role, rows };
  }
  throw new KLaniError('Protocol', 'Cannot read explanation: a term does not have its form');
}

/** @throws {KLaniError} `Protocol` when the answer is not a JSON object */
export function readReport(reader: ByteReader): Report {
  const report: unknown = JSON.parse(decodeJsonAnswer(reader));
  if (typeof report === 'object' && report !== null && !Array.isArray(report)) return Object.fromEntries(Object.entries(report));
  throw new KLaniError('Protocol', 'Cannot read report: it is not a JSON object');
}
