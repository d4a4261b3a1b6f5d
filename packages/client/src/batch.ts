import { assert } from '@k-lani/base';
import {
  ByteReader,
  ByteWriter,
  ChangeKind,
  type BatchResult,
  type ChangeKindNumber,
  FRAME_HEADER_SIZE,
  KLaniError,
  type NewRowOf,
  Opcode,
  type TableSchema,
  type WireBatchChange,
  beginBatchChange,
  beginBatchCommit,
  decodeBatchCommitAnswer,
  decodeBatchCommitRequest,
  encodeRow,
  endBatchChange,
  endCount,
  upgradeRow,
} from '@k-lani/protocol';
import { Call, type CallContext } from './call.ts';
import type { Connection } from './connection.ts';
import type { RemoteLock } from './lock.ts';
import type { OpenTable, TableHandle } from './open-tables.ts';
import { alteredMeanwhile } from './table-call.ts';
import type { RemoteTable } from './table.ts';
import { type AnyRow, type IdSource, type WriteTarget, nextId, wireTarget } from './write-calls.ts';

/** What must hold for a change of a batch: the row's version, or a lock of it. */
export interface ChangeCondition<S extends TableSchema> {
  readonly ifVersion?: number;
  readonly lock?: RemoteLock<S>;
}

const ANY_ROW: WriteTarget = { rowId: 0, ifVersion: 0, lock: undefined };

/** Collects the changes of one batch. Good only until the function that it was passed to returns. */
export class Batch {
  readonly #connection: Connection;
  readonly #payload: ByteWriter;
  readonly #countOffset: number;
  readonly #tables: OpenTable[] = [];
  #isClosed = false;

  constructor(connection: Connection, id: IdSource) {
    this.#connection = connection;
    this.#payload = new ByteWriter({ capacityBytes: 4096, limitBytes: connection.server.maxFrameBytes, subject: 'batch' });
    this.#countOffset = beginBatchCommit(this.#payload, nextId(id));
  }

  /** A new row. */
  append<S extends TableSchema>(table: RemoteTable<S>, row: NewRowOf<S>): void {
    this.#add(ChangeKind.append, table, ANY_ROW, row);
  }

  /** A row's next version. */
  replace<S extends TableSchema>(table: RemoteTable<S>, rowId: number, row: NewRowOf<S>, condition: ChangeCondition<S>): void {
    this.#add(ChangeKind.replace, table, this.#target(rowId, condition), row);
  }

  /** The end of a row. */
  delete<S extends TableSchema>(table: RemoteTable<S>, rowId: number, condition: ChangeCondition<S>): void {
    this.#add(ChangeKind.delete, table, this.#target(rowId, condition), undefined);
  }

  /** Takes no more changes, and makes the request. */
  close(): BatchCall {
    this.#isClosed = true;
    if (this.#tables.length === 0) throw new KLaniError('InvalidArgument', 'Cannot commit batch: it has no changes, must have >= 1');
    endCount(this.#payload, this.#countOffset, this.#tables.length);
    return new BatchCall(this.#payload, this.#tables);
  }

  #add<S extends TableSchema>(change: ChangeKindNumber, table: RemoteTable<S>, target: WriteTarget, row: AnyRow | undefined): void {
    if (this.#isClosed) throw new KLaniError('InvalidArgument', 'Cannot add change: the batch is committed already');
    const open = table.openIn(this.#connection);
    const { number, layout } = open.use();
    const payload = this.#payload;
    const start = beginBatchChange(payload, { change, ...wireTarget(number, target) });
    try {
      if (row !== undefined) encodeRow(layout, row, payload);
    } catch (error) {
      payload.length = start;
      throw error;
    }
    endBatchChange(payload, start);
    this.#tables.push(open);
  }

  #target<S extends TableSchema>(rowId: number, { ifVersion = 0, lock }: ChangeCondition<S>): WriteTarget {
    return { rowId, ifVersion, lock: lock?.stateFor(this.#connection, rowId) };
  }
}

/** A change of a batch that is asked again. */
interface Repeated {
  readonly change: WireBatchChange;
  /** The handle in the frame, and that of the present session. */
  readonly from: TableHandle;
  readonly to: TableHandle;
  readonly mayHaveHappened: boolean;
}

class BatchCall extends Call<BatchResult> {
  readonly opcode = Opcode.BatchCommit;
  #payload: ByteWriter | undefined;
  /** For each change. */
  readonly #tables: readonly OpenTable[];
  /** Of the frame. */
  #handles: ReadonlyMap<OpenTable, TableHandle>;

  constructor(payload: ByteWriter, tables: readonly OpenTable[]) {
    super();
    this.#payload = payload;
    this.#tables = tables;
    this.#handles = handlesOf(tables);
  }

  override get operationIdOffset(): number {
    return 0;
  }

  override get tables(): readonly OpenTable[] {
    return [...this.#handles.keys()];
  }

  encode(writer: ByteWriter): void {
    const payload = this.#payload;
    assert(payload !== undefined, 'BatchCall.encode(): it was encoded before');
    writer.append(payload.bytes, 0, payload.length);
    this.#payload = undefined;
  }

  override encodeAgain(writer: ByteWriter, request: CallContext): void {
    const before = this.#handles;
    this.#handles = handlesOf(this.#tables);
    const frame = request.frame.slice(request.frameStart + FRAME_HEADER_SIZE, request.frameEnd);
    const reader = new ByteReader(frame, new DataView(frame.buffer), 0, frame.length, 'batch');
    const { operationIdOffset, changes } = decodeBatchCommitRequest(reader);
    const countOffset = beginBatchCommit(writer, frame.subarray(operationIdOffset));
    for (const [index, change] of changes.entries()) {
      const table = this.#tables[index];
      const from = table && before.get(table);
      const to = table && this.#handles.get(table);
      assert(from !== undefined && to !== undefined, 'BatchCall.encodeAgain(): a change without a table');
      this.#encodeChange(writer, reader, { change, from, to, mayHaveHappened: request.mayHaveHappened });
    }
    endCount(writer, countOffset, changes.length);
  }

  decode(reader: ByteReader): BatchResult {
    return decodeBatchCommitAnswer(reader);
  }

  #encodeChange(writer: ByteWriter, reader: ByteReader, { change, from, to, mayHaveHappened }: Repeated): void {
    const start = beginBatchChange(writer, { ...change, handle: to.number });
    const isSame = from.layout.schema.version === to.layout.schema.version;
    if (isSame || change.change === ChangeKind.delete) {
      writer.append(reader.bytes, change.rowStart, change.rowEnd);
    } else {
      if (mayHaveHappened) throw alteredMeanwhile(from.layout.schema.table);
      upgradeRow(from.layout, to.layout, reader.bytes, reader.view, change.rowStart, writer);
    }
    endBatchChange(writer, start);
  }
}

function handlesOf(tables: readonly OpenTable[]): ReadonlyMap<OpenTable, TableHandle> {
  const handles = new Map<OpenTable, TableHandle>();
  for (const table of tables) {
    if (!handles.has(table)) handles.set(table, table.use());
  }
  return handles;
}
