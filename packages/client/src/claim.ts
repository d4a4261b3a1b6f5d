import {
  type ByteReader,
  type ByteWriter,
  ERRORS,
  FRAME_HEADER_SIZE,
  type KLaniError,
  type NewRowOf,
  Opcode,
  type TableSchema,
  type WireClaimedRow,
  decodeClaimAnswer,
  decodeClaimRefusal,
  decodeErrorAnswer,
  encodeClaimLine,
  encodeClaimRequest,
  formatOperationId,
  type ClaimedRow,
  type ClaimResult,
} from '@k-lani/protocol';
import { Call, type CallContext } from './call.ts';
import type { OpenTable, TableHandle } from './open-tables.ts';
import type { AnyTerm } from './read-calls.ts';
import { readRow } from './rows.ts';
import { type IdSource, type WriteOptions, nextId } from './write-calls.ts';

/** What a claim may say. */
export interface ClaimOptions extends WriteOptions {
  /** Whether the claimed rows are wanted, as they are after the change. Those that do not fit into one answer are left out. */
  readonly returnRows?: boolean;
}

/** One line of a claim, checked against the schema where it was made. */
export interface ClaimSource {
  readonly table: OpenTable;
  readonly where: readonly AnyTerm[];
  readonly set: Partial<NewRowOf<TableSchema>>;
  readonly count: number;
}

const NONE_AVAILABLE = ERRORS.NoneAvailable.number;
const ALL_LOCKED = ERRORS.AllLocked.number;

export class ClaimCall<Row> extends Call<ClaimResult<Row>> {
  readonly opcode = Opcode.Claim;
  readonly #lines: readonly ClaimSource[];
  readonly #id: IdSource;
  readonly #returnRows: boolean;
  /** In the frame, for each line: the handle's offset from the start of the payload. */
  readonly #handleOffsets: number[] = [];
  /** Of the frame, for each line. */
  #handles: TableHandle[] = [];

  constructor(lines: readonly ClaimSource[], returnRows: boolean, id: IdSource) {
    super();
    this.#lines = lines;
    this.#id = id;
    this.#returnRows = returnRows;
  }

  override get operationIdOffset(): number {
    return 0;
  }

  override get tables(): readonly OpenTable[] {
    return this.#lines.map(({ table }) => table);
  }

  encode(writer: ByteWriter): void {
    const start = writer.length;
    encodeClaimRequest(writer, nextId(this.#id), this.#returnRows, this.#lines.length);
    for (const { table, where, set, count } of this.#lines) {
      const handle = table.use();
      this.#handles.push(handle);
      this.#handleOffsets.push(encodeClaimLine(writer, handle.layout, { handle: handle.number, where, set, count }) - start);
    }
  }

  override encodeAgain(writer: ByteWriter, request: CallContext): void {
    const start = writer.length;
    super.encodeAgain(writer, request);
    this.#handles = this.#lines.map(({ table }) => table.use());
    for (const [index, offset] of this.#handleOffsets.entries()) {
      writer.view.setUint32(start + offset, this.#handles[index]?.number ?? 0, true);
    }
  }

  decode(reader: ByteReader, { frame, frameStart }: CallContext): ClaimResult<Row> {
    const { lsn, lines } = decodeClaimAnswer(reader, this.#returnRows);
    return {
      outcome: 'claimed',
      lsn,
      operationId: formatOperationId(frame, frameStart + FRAME_HEADER_SIZE),
      lines: lines.map((rows, index) => rows.map((row) => this.#claimedRow(reader, index, row))),
    };
  }

  override refused(status: number, reader: ByteReader, retryAfterMs: number): ClaimResult<Row> | KLaniError {
    if (status === NONE_AVAILABLE) return { outcome: 'none_available', line: decodeClaimRefusal(reader) };
    if (status === ALL_LOCKED) return { outcome: 'all_locked', line: decodeClaimRefusal(reader), retryAfterMs };
    return decodeErrorAnswer(reader, status, retryAfterMs);
  }

  #claimedRow(reader: ByteReader, line: number, { rowId, version, rowStart, rowEnd }: WireClaimedRow): ClaimedRow<Row> {
    const handle = this.#handles[line];
    if (rowStart === rowEnd || handle === undefined) return { rowId, version, row: undefined };
    return { rowId, version, row: readRow(reader, handle.layout, rowStart, rowEnd) as Row };
  }
}
