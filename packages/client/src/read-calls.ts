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
import type { CallContext } from './call.ts';
import type { TableHandle } from './open-tables.ts';
import { readVersionedRow } from './rows.ts';
import { TableCall } from './table-call.ts';

/** Terms whose types were checked where the schema is known. */
export type AnyTerm = TermOf<TableSchema>;

const NOT_FOUND = ERRORS.NotFound.number;

export class SeekCall<Row> extends TableCall<VersionedRow<Row> | undefined> {
  readonly opcode = Opcode.Seek;
  readonly #rowId: number;

  constructor(rowId: number) {
    super();
    this.#rowId = rowId;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeSeekRequest(writer, handle.number, this.#rowId);
  }

  decode(reader: ByteReader, request: CallContext): VersionedRow<Row> {
    return readVersionedRow(reader, request.handle.layout, decodeSeekAnswer(reader));
  }

  override refused(status: number, reader: ByteReader, retryAfterMs: number): VersionedRow<Row> | undefined | KLaniError {
    return status === NOT_FOUND ? undefined : super.refused(status, reader, retryAfterMs);
  }
}

abstract class RowsCall<Row> extends TableCall<VersionedRow<Row>[]> {
  decode(reader: ByteReader, request: CallContext): VersionedRow<Row>[] {
    return decodeRows(reader).map((wire) => readVersionedRow(reader, request.handle.layout, wire));
  }
}

export class SeekByFieldCall<Row> extends RowsCall<Row> {
  readonly opcode = Opcode.SeekByField;
  readonly #query: { readonly field: string; readonly value: unknown; readonly limit: number };

  constructor(query: { readonly field: string; readonly value: unknown; readonly limit: number }) {
    super();
    this.#query = query;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    const { number, layout } = handle;
    const { field, value, limit } = this.#query;
    encodeSeekByFieldRequest(writer, layout, { handle: number, limit, field: fieldPositionOf(layout, field), value });
  }
}

export class SeekByPredicateCall<Row> extends RowsCall<Row> {
  readonly opcode = Opcode.SeekByPredicate;
  readonly #term: AnyTerm;
  readonly #limit: number;

  constructor(term: AnyTerm, limit: number) {
    super();
    this.#term = term;
    this.#limit = limit;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeSeekByPredicateRequest(writer, handle.number, this.#limit);
    encodeTerm(writer, handle.layout, this.#term);
  }
}

export class FetchCall<Row> extends RowsCall<Row> {
  readonly opcode = Opcode.Fetch;
  readonly #rowIds: readonly number[];

  constructor(rowIds: readonly number[]) {
    super();
    this.#rowIds = rowIds;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeFetchRequest(writer, handle.number, this.#rowIds);
  }
}

export class QueryIntersectCall extends TableCall<number[]> {
  readonly opcode = Opcode.QueryIntersect;
  readonly #terms: readonly AnyTerm[];
  readonly #limit: number;
  readonly #spread: number;

  constructor(terms: readonly AnyTerm[], { limit, spread }: { readonly limit: number; readonly spread: number }) {
    super();
    this.#terms = terms;
    this.#limit = limit;
    this.#spread = spread;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeQueryIntersectRequest(writer, handle.number, this.#limit, this.#spread);
    encodeTerms(writer, handle.layout, this.#terms);
  }

  decode(reader: ByteReader): number[] {
    return decodeRowIds(reader);
  }
}

abstract class TermsCall<T> extends TableCall<T> {
  readonly #terms: readonly AnyTerm[];

  constructor(terms: readonly AnyTerm[]) {
    super();
    this.#terms = terms;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeTermsRequest(writer, handle.number);
    encodeTerms(writer, handle.layout, this.#terms);
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
