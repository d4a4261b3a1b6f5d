/** Append, Replace, Delete, Lock, Unlock. */
import { NONE, RecordKind, RecordOffset, type Change, type DoneOperation, type Lock, type StoredTable } from '@k-lani/engine';
import {
  decodeAppendRequest,
  decodeDeleteRequest,
  decodeLockRequest,
  decodeReplaceRequest,
  decodeUnlockRequest,
  encodeChangeAnswer,
  encodeLockAnswer,
  ERRORS,
  KLaniError,
  type RowTarget,
  validateRow,
} from '@k-lani/protocol';
import type { Call } from './call.ts';
import { wireMs } from './refusal.ts';
import type { TableHandle } from './table-handles.ts';

const ALREADY_LOCKED = ERRORS.AlreadyLocked.number;

/** What all appends say of the row that they do not have yet. */
const NEW_ROW = { rowId: 0, tokenLow: 0, tokenHigh: 0, ifVersion: 0 } as const;

/** Where a request says what. */
interface ChangeRequest {
  readonly handleOffset: number;
  readonly operationIdOffset: number;
}

/** Where its row is. */
interface RowRange {
  readonly rowStart: number;
  readonly rowEnd: number;
}

export function append(call: Call): void {
  const request = decodeAppendRequest(call.reader);
  const handle = call.caller.handles.get(request.handle);
  change(call, handle, request, { kind: RecordKind.append, target: NEW_ROW, unlock: false, row: request });
}

export function replace(call: Call): void {
  const request = decodeReplaceRequest(call.reader);
  const handle = call.caller.handles.get(request.handle);
  change(call, handle, request, { kind: RecordKind.replace, target: request, unlock: request.unlock, row: request });
}

export function deleteRow(call: Call): void {
  const request = decodeDeleteRequest(call.reader);
  const handle = call.caller.handles.get(request.handle);
  change(call, handle, request, { kind: RecordKind.delete, target: request, unlock: true, row: undefined });
}

/** A granted lock names the row's version, which may not be durable: the answer waits for it. */
export function lock(call: Call): void {
  const { caller, database } = call;
  const { handle: number, rowId, leaseMs } = decodeLockRequest(call.reader);
  const { table } = caller.handles.get(number);
  const { locks } = database.state;
  call.inEngine = true;
  const granted = database.tryLock(caller.owner, { table, rowId }, leaseMs);
  if (granted === undefined) {
    const holder = locks.find(table.id, rowId);
    const retryAfterMs = holder === undefined ? 1 : locks.leaseLeftMs(holder);
    call.refuse({ status: ALREADY_LOCKED, message: `Cannot lock row ${rowId} of table "${table.name}": it is locked`, retryAfterMs });
    return;
  }
  encodeLockAnswer(call.answer(), {
    tokenLow: granted.tokenLow,
    tokenHigh: granted.tokenHigh,
    leaseMs: wireMs(locks.leaseLeftMs(granted)),
    version: lockedVersion(call, table, granted),
  });
  call.done(database.reader.latestDependsOn(table, rowId));
}

/** The version of a row that was locked just now. A row that cannot be read does not stay locked. */
function lockedVersion({ database }: Call, table: StoredTable, granted: Lock): number {
  try {
    const at = database.reader.seekLatest(table, granted.rowId);
    return at === NONE ? 0 : database.state.log.view.getUint32(at + RecordOffset.version, true);
  } catch (error) {
    database.state.locks.release(granted);
    throw error;
  }
}

export function unlock(call: Call): void {
  const { caller, database } = call;
  const { handle, rowId, tokenLow, tokenHigh } = decodeUnlockRequest(call.reader);
  const { table } = caller.handles.get(handle);
  const { locks } = database.state;
  locks.release(locks.require(caller.owner, { tableId: table.id, rowId }, tokenLow, tokenHigh));
  call.answer();
  call.done();
}

function change(
  call: Call,
  handle: TableHandle,
  request: ChangeRequest,
  what: {
    readonly kind: Change['kind'];
    readonly target: Omit<RowTarget, 'handle'>;
    readonly unlock: boolean;
    readonly row: RowRange | undefined;
  },
): void {
  const { caller, database, reader } = call;
  const { table } = handle;
  call.expectRoom();
  call.nameTable(request.handleOffset, table);
  const operation = call.operation(request.operationIdOffset);
  const first = call.firstAnswer(operation);
  if (first !== undefined) {
    answerAgain(call, first);
    return;
  }
  call.expectNewest(handle);
  const { bytes, view } = reader;
  const { kind, target, unlock: givesBack } = what;
  const row = what.row === undefined ? undefined : { bytes, view, offset: what.row.rowStart, length: what.row.rowEnd - what.row.rowStart };
  if (row !== undefined) validateRow(handle.layout, bytes, view, row.offset, row.length);
  const { rowId, tokenLow, tokenHigh, ifVersion } = target;
  call.inEngine = true;
  const changed = database.writer.write(operation, caller.owner, {
    kind,
    table,
    rowId,
    tokenLow,
    tokenHigh,
    ifVersion,
    unlock: givesBack,
    row,
  });
  encodeChangeAnswer(call.answer(), changed.rowId, changed.version, changed.lsn);
  call.done(changed.lsn);
}

function answerAgain(call: Call, { changes, lsn }: DoneOperation): void {
  const [first] = changes;
  if (first === undefined) throw new KLaniError('OperationMismatch', 'Cannot answer again: the operation changed no row');
  encodeChangeAnswer(call.answer(), first.rowId, first.version, first.lsn);
  call.done(lsn);
}
