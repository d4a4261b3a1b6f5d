import {
  type ByteReader,
  type ByteWriter,
  KLaniError,
  Opcode,
  type OpcodeNumber,
  decodePageAnswer,
  encodeCursorRequest,
  encodeScanRequest,
  encodeTerms,
  type VersionedRow,
} from '@k-lani/protocol';
import type { Connection } from './connection.ts';
import type { OpenTable, TableHandle } from './open-tables.ts';
import type { AnyTerm } from './read-calls.ts';
import { type AfterLoss, Call, type CallContext } from './call.ts';
import type { CallOptions } from './request.ts';
import { readVersionedRow } from './rows.ts';
import { ReleaseCall } from './session-calls.ts';
import { TableCall } from './table-call.ts';

/** How rows are read one after the other. */
export interface PageOptions extends CallOptions {
  /** Rows asked for at once; 1,024 unless given. */
  readonly pageRows?: number;
}

/** What one page brought, and what the next one is asked with. */
interface Page<Row> {
  readonly rows: readonly VersionedRow<Row>[];
  /** 0 after the last page. */
  readonly cursor: number;
  readonly handle: TableHandle;
  readonly sessionNumber: number;
}

const PAGE_ROWS = 1024;

/**
 * The rows of a table, or those that meet the terms, as they all were at one moment; in the order of their ids. The next page is asked
 * for when the one before is used up. Ending the loop early gives the cursor back.
 *
 * @param terms `undefined` for all rows
 */
export async function* readPages<Row>(
  connection: Connection,
  table: OpenTable,
  terms: readonly AnyTerm[] | undefined,
  options: PageOptions | undefined,
): AsyncGenerator<VersionedRow<Row>, void, undefined> {
  const pageRows = options?.pageRows ?? PAGE_ROWS;
  let page = await connection.call(new FirstPageCall<Row>(connection, terms, pageRows), options, table);
  try {
    while (true) {
      yield* page.rows;
      if (page.cursor === 0) return;
      page = await connection.call(new NextPageCall<Row>(connection, page, terms === undefined), options);
    }
  } finally {
    if (page.cursor !== 0 && page.sessionNumber === connection.sessionNumber) connection.release(new CloseCursorCall(page.cursor));
  }
}

class FirstPageCall<Row> extends TableCall<Page<Row>> {
  readonly opcode: OpcodeNumber;
  readonly #connection: Connection;
  readonly #terms: readonly AnyTerm[] | undefined;
  readonly #pageRows: number;

  constructor(connection: Connection, terms: readonly AnyTerm[] | undefined, pageRows: number) {
    super();
    this.opcode = terms === undefined ? Opcode.Scan : Opcode.Stream;
    this.#connection = connection;
    this.#terms = terms;
    this.#pageRows = pageRows;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeScanRequest(writer, handle.number, this.#pageRows);
    if (this.#terms !== undefined) encodeTerms(writer, handle.layout, this.#terms);
  }

  decode(reader: ByteReader, request: CallContext): Page<Row> {
    return readPage(reader, request.handle, this.#connection.sessionNumber);
  }

  override late(reader: ByteReader): void {
    const { cursor } = decodePageAnswer(reader);
    if (cursor !== 0) this.#connection.release(new CloseCursorCall(cursor));
  }
}

class NextPageCall<Row> extends Call<Page<Row>> {
  readonly opcode: OpcodeNumber;
  readonly #connection: Connection;
  readonly #page: Page<Row>;

  constructor(connection: Connection, page: Page<Row>, isScan: boolean) {
    super();
    this.opcode = isScan ? Opcode.ScanNext : Opcode.StreamNext;
    this.#connection = connection;
    this.#page = page;
  }

  override get afterLoss(): AfterLoss {
    return 'refuse';
  }

  encode(writer: ByteWriter): void {
    this.#expectSession();
    encodeCursorRequest(writer, this.#page.cursor);
  }

  override encodeAgain(writer: ByteWriter, request: CallContext): void {
    this.#expectSession();
    super.encodeAgain(writer, request);
  }

  decode(reader: ByteReader): Page<Row> {
    return readPage(reader, this.#page.handle, this.#page.sessionNumber);
  }

  #expectSession(): void {
    if (this.#page.sessionNumber === this.#connection.sessionNumber) return;
    throw new KLaniError('ConnectionLost', 'Cannot read the next page: the session that opened the cursor has ended; begin anew');
  }
}

class CloseCursorCall extends ReleaseCall {
  readonly opcode = Opcode.StreamClose;
  readonly #cursor: number;

  constructor(cursor: number) {
    super();
    this.#cursor = cursor;
  }

  encode(writer: ByteWriter): void {
    encodeCursorRequest(writer, this.#cursor);
  }
}

function readPage<Row>(reader: ByteReader, handle: TableHandle, sessionNumber: number): Page<Row> {
  const { cursor, rows } = decodePageAnswer(reader);
  return { rows: rows.map((wire) => readVersionedRow<Row>(reader, handle.layout, wire)), cursor, handle, sessionNumber };
}
