/**
 * Reads that an I/O thread answers itself, from the snapshot that it shares with the writer: Seek, QueryIntersect, Count, Explain.
 *
 * 1. What is answered here is what the writer would have answered: everything out of the ordinary (an error, a table that was altered, a
 *    handle that is not known here) is left to the writer.
 * 2. A snapshot is never older than an answer that the writer has given: the writer shows it before it answers.
 */
import { NONE, SharedReader, type StoredTable, TermList, fillTerms } from '@k-lani/engine';
import {
  beginFrame,
  ByteReader,
  type ByteWriter,
  decodeOpenedTable,
  decodeQueryIntersectRequest,
  decodeSeekRequest,
  decodeTermsRequest,
  encodeCountAnswer,
  encodeJsonAnswer,
  encodeRowIds,
  encodeVersionedRow,
  endFrame,
  FRAME_FLAG_ANSWER,
  FRAME_HEADER_SIZE,
  FrameOffset,
  KLaniError,
  type LayoutSource,
  Opcode,
  type RowLayout,
} from '@k-lani/protocol';
import { explanationOf, noSuchRow } from './read-commands.ts';
import { RecordRow } from './record-row.ts';
import { encodeStatus } from './refusal.ts';

/** The limits of the server that answers keep. */
export interface ReadLimits {
  readonly maxFrameBytes: number;
  readonly maxResponseRows: number;
  readonly answerBytesMax: number;
}

/** A table of the snapshot, in the layout in which a session has opened it. */
interface KnownTable {
  readonly table: StoredTable;
  readonly layout: RowLayout;
}

/** Thrown, once made, where the writer has to answer. */
const LEFT_TO_WRITER = new KLaniError('InvalidHandle', 'This thread does not know the table handle');

/** The table handles of one session, as far as its thread knows them. */
export class KnownTables implements LayoutSource {
  readonly #tables = new Map<number, KnownTable>();

  /** @throws {KLaniError} where it is not known, or was altered since */
  get(handle: number): KnownTable {
    const known = this.#tables.get(handle);
    if (known === undefined || known.table.layout !== known.layout) throw LEFT_TO_WRITER;
    return known;
  }

  layoutOf(handle: number): RowLayout {
    return this.get(handle).layout;
  }

  add(handle: number, known: KnownTable): void {
    this.#tables.set(handle, known);
  }

  clear(): void {
    this.#tables.clear();
  }
}

export class SnapshotReads {
  readonly #snapshot: SharedReader;
  readonly #limits: ReadLimits;
  readonly #terms = new TermList();
  readonly #row = new RecordRow();
  readonly #reader = new ByteReader(new Uint8Array(0), new DataView(new ArrayBuffer(0)), 0, 0, 'payload');
  #buffer: ArrayBufferLike = new ArrayBuffer(0);
  #bytes = new Uint8Array(this.#buffer);
  #view = new DataView(this.#buffer);

  constructor(snapshot: SharedReader, limits: ReadLimits) {
    this.#snapshot = snapshot;
    this.#limits = limits;
  }

  /** Learns what handle an answer of OpenTable or CreateTable gives. Its payload is `chunk[start, end)`. */
  learn(tables: KnownTables, chunk: Uint8Array, start: number, end: number): void {
    this.#point(chunk, start, end);
    const { handle, tableId, schemaVersion } = decodeOpenedTable(this.#reader);
    try {
      const table = this.#snapshot.tables().find(({ id }) => id === tableId);
      if (table?.schema.version === schemaVersion) tables.add(handle, { table, layout: table.layout });
    } catch (error) {
      expectRefusal(error);
    }
  }

  /**
   * Answers the request whose frame is `chunk[start, end)`, behind what `out` holds.
   *
   * @returns false when it is left to the writer
   */
  answer(tables: KnownTables, out: ByteWriter, chunk: Uint8Array, start: number, end: number): boolean {
    const opcode = chunk[start + FrameOffset.opcode];
    if (opcode !== Opcode.Seek && opcode !== Opcode.QueryIntersect && opcode !== Opcode.Count && opcode !== Opcode.Explain) return false;
    if (end - start > this.#limits.maxFrameBytes) return false;
    this.#point(chunk, start, end);
    const view = this.#view;
    const at = chunk.byteOffset + start;
    // A frame that breaks a rule of the protocol is the session's to refuse.
    if (view.getUint8(at + FrameOffset.flags) !== 0 || view.getUint16(at + FrameOffset.status, true) !== 0) return false;
    this.#reader.reset(this.#bytes, view, at + FRAME_HEADER_SIZE, chunk.byteOffset + end);
    const requestId = view.getUint32(at + FrameOffset.requestId, true);
    const { length } = out;
    try {
      this.#carryOut(opcode, tables, out, requestId);
      if (out.length - length <= this.#limits.answerBytesMax) return true;
    } catch (error) {
      expectRefusal(error);
    }
    out.length = length;
    return false;
  }

  close(): void {
    this.#snapshot.close();
  }

  #carryOut(opcode: number, tables: KnownTables, out: ByteWriter, requestId: number): void {
    if (opcode === Opcode.Seek) {
      this.#seek(tables, out, requestId);
      return;
    }
    const frame = beginFrame(out, opcode, FRAME_FLAG_ANSWER, 0, requestId, 0);
    if (opcode === Opcode.QueryIntersect) this.#query(tables, out);
    else if (opcode === Opcode.Count) this.#count(tables, out);
    else this.#explain(tables, out);
    endFrame(out, frame);
  }

  #seek(tables: KnownTables, out: ByteWriter, requestId: number): void {
    const { handle, rowId } = decodeSeekRequest(this.#reader);
    const known = tables.get(handle);
    const at = this.#snapshot.seek(known.table, rowId);
    // The snapshot may be of after an alteration.
    tables.get(handle);
    if (at === NONE) {
      encodeStatus(out, { opcode: Opcode.Seek, requestId }, noSuchRow(known.table, rowId));
      return;
    }
    this.#row.read(this.#snapshot.log, known, at);
    const frame = beginFrame(out, Opcode.Seek, FRAME_FLAG_ANSWER, 0, requestId, 0);
    encodeVersionedRow(out, this.#row);
    endFrame(out, frame);
  }

  #query(tables: KnownTables, out: ByteWriter): void {
    const { handle, limit, spread, terms } = decodeQueryIntersectRequest(this.#reader, tables);
    const rowsMax = this.#limits.maxResponseRows;
    if (limit > rowsMax) throw LEFT_TO_WRITER;
    const { table } = tables.get(handle);
    fillTerms(this.#terms, table, terms, this.#view);
    const rowIds = this.#snapshot.query(table, this.#terms, { limit, spread, rowsMax });
    tables.get(handle);
    encodeRowIds(out, rowIds, rowIds.length);
  }

  #count(tables: KnownTables, out: ByteWriter): void {
    const { handle, terms } = decodeTermsRequest(this.#reader, tables);
    const { table } = tables.get(handle);
    fillTerms(this.#terms, table, terms, this.#view);
    const rows = this.#snapshot.count(table, this.#terms);
    tables.get(handle);
    encodeCountAnswer(out, rows);
  }

  #explain(tables: KnownTables, out: ByteWriter): void {
    const { handle, terms } = decodeTermsRequest(this.#reader, tables);
    const { table } = tables.get(handle);
    fillTerms(this.#terms, table, terms, this.#view);
    const plan = this.#snapshot.explain(table, this.#terms);
    tables.get(handle);
    encodeJsonAnswer(out, JSON.stringify(explanationOf(table, plan)));
  }

  #point(chunk: Uint8Array, start: number, end: number): void {
    if (chunk.buffer !== this.#buffer) {
      this.#buffer = chunk.buffer;
      this.#bytes = new Uint8Array(chunk.buffer);
      this.#view = new DataView(chunk.buffer);
    }
    this.#reader.reset(this.#bytes, this.#view, chunk.byteOffset + start, chunk.byteOffset + end);
  }
}

/** Throws on what is no KLaniError: a bug. Whatever else it is, the writer will find its own. */
function expectRefusal(error: unknown): void {
  if (!(error instanceof KLaniError)) throw error;
}
