/** Writes of one row. Asked again under their operation id when their connection was lost, and answered as the first time. */
import {
  type ByteReader,
  type ByteWriter,
  type NewRowOf,
  Opcode,
  type RowTarget,
  type TableSchema,
  decodeChangeAnswer,
  encodeAppendRequest,
  encodeDeleteRequest,
  encodeReplaceRequest,
  encodeRow,
  type WriteResult,
} from '@k-lani/protocol';
import type { TableHandle } from './open-tables.ts';
import type { OperationIds } from './operation-ids.ts';
import type { CallOptions } from './request.ts';
import { RowWriteCall, TableCall } from './table-call.ts';

/** What each write may say. */
export interface WriteOptions extends CallOptions {
  /**
   * 32 lower-case hexadecimal digits that name this write for good: asked again with the same id, it happens once and gets its first
   * answer. A random one unless given.
   */
  readonly operationId?: string;
}

/** A row whose type was checked where the schema is known. */
export type AnyRow = NewRowOf<TableSchema>;

/** The lock that a write is made under. */
export interface LockState {
  readonly tokenLow: number;
  readonly tokenHigh: number;
  /** It was given back, or ended with its row. */
  isReleased: boolean;
}

/** Which row is changed, and what must hold. */
export interface WriteTarget {
  readonly rowId: number;
  /** 0: any. */
  readonly ifVersion: number;
  readonly lock: LockState | undefined;
}

/** Where a write's operation id comes from: what the caller chose, else the next of `ids`. */
export interface IdSource {
  readonly ids: OperationIds;
  readonly operationId: string | undefined;
}

/** Behind the handle. */
const OPERATION_ID_OFFSET = 4;

export class AppendCall extends RowWriteCall<WriteResult> {
  readonly opcode = Opcode.Append;
  protected readonly headSizeBytes = 20;
  readonly #row: AnyRow;
  readonly #id: IdSource;

  constructor(row: AnyRow, id: IdSource) {
    super();
    this.#row = row;
    this.#id = id;
  }

  override get operationIdOffset(): number {
    return OPERATION_ID_OFFSET;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeAppendRequest(writer, handle.number, nextId(this.#id));
    encodeRow(handle.layout, this.#row, writer);
  }

  decode(reader: ByteReader): WriteResult {
    return decodeChangeAnswer(reader);
  }
}

export class ReplaceCall extends RowWriteCall<WriteResult> {
  readonly opcode = Opcode.Replace;
  protected readonly headSizeBytes = 37;
  readonly #target: WriteTarget & { readonly unlock: boolean };
  readonly #row: AnyRow;
  readonly #id: IdSource;

  /** @param target with `unlock`, the lock is given back in the same step */
  constructor(target: WriteTarget & { readonly unlock: boolean }, row: AnyRow, id: IdSource) {
    super();
    this.#target = target;
    this.#row = row;
    this.#id = id;
  }

  override get operationIdOffset(): number {
    return OPERATION_ID_OFFSET;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeReplaceRequest(writer, nextId(this.#id), wireTarget(handle.number, this.#target), this.#target.unlock);
    encodeRow(handle.layout, this.#row, writer);
  }

  decode(reader: ByteReader): WriteResult {
    const { lock, unlock } = this.#target;
    const change = decodeChangeAnswer(reader);
    if (lock !== undefined && unlock) lock.isReleased = true;
    return change;
  }
}

export class DeleteCall extends TableCall<WriteResult> {
  readonly opcode = Opcode.Delete;
  readonly #target: WriteTarget;
  readonly #id: IdSource;

  constructor(target: WriteTarget, id: IdSource) {
    super();
    this.#target = target;
    this.#id = id;
  }

  override get operationIdOffset(): number {
    return OPERATION_ID_OFFSET;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeDeleteRequest(writer, nextId(this.#id), wireTarget(handle.number, this.#target));
  }

  decode(reader: ByteReader): WriteResult {
    const { lock } = this.#target;
    const change = decodeChangeAnswer(reader);
    if (lock !== undefined) lock.isReleased = true;
    return change;
  }
}

/** The id of a write that is being encoded; valid until the next one is. */
export function nextId({ ids, operationId }: IdSource): Uint8Array {
  return ids.next(operationId);
}

/** A target as its codec wants it. */
export function wireTarget(handle: number, { rowId, ifVersion, lock }: WriteTarget): RowTarget {
  return { handle, rowId, ifVersion, tokenLow: lock?.tokenLow ?? 0, tokenHigh: lock?.tokenHigh ?? 0 };
}
