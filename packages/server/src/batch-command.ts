/** BatchCommit: changes of several rows and tables, all or nothing. */
import { assert } from '@k-lani/base';
import { RecordKind, type Change } from '@k-lani/engine';
import {
  ChangeKind,
  decodeBatchCommitRequest,
  encodeBatchCommitAnswer,
  encodeChangedRow,
  validateRow,
  type ChangedRow,
  type WireBatchChange,
} from '@k-lani/protocol';
import type { Call } from './call.ts';
import type { TableHandle } from './table-handles.ts';

const KINDS = {
  [ChangeKind.append]: RecordKind.append,
  [ChangeKind.replace]: RecordKind.replace,
  [ChangeKind.delete]: RecordKind.delete,
} as const;

export function commitBatch(call: Call): void {
  const { caller, database } = call;
  const request = decodeBatchCommitRequest(call.reader);
  const handles = request.changes.map(({ handle }) => caller.handles.get(handle));
  call.expectRoom();
  for (const [place, { handleOffset }] of request.changes.entries()) call.nameTable(handleOffset, at(handles, place).table);
  const operation = call.operation(request.operationIdOffset);
  const first = call.firstAnswer(operation);
  if (first !== undefined) {
    answer(call, first.changes, first.lsn);
    return;
  }
  const changes = request.changes.map((change, place) => changeOf(call, change, at(handles, place)));
  call.inEngine = true;
  const changed = database.writer.writeAll(operation, caller.owner, changes);
  answer(call, changed, changed.at(-1)?.lsn ?? 0);
}

function changeOf(call: Call, wire: WireBatchChange, handle: TableHandle): Change {
  call.expectNewest(handle);
  const { bytes, view } = call.reader;
  const { rowId, tokenLow, tokenHigh, ifVersion, rowStart, rowEnd } = wire;
  const kind = KINDS[wire.change];
  const isDelete = kind === RecordKind.delete;
  const row = isDelete ? undefined : { bytes, view, offset: rowStart, length: rowEnd - rowStart };
  if (row !== undefined) validateRow(handle.layout, bytes, view, rowStart, row.length);
  return { kind, table: handle.table, rowId, tokenLow, tokenHigh, ifVersion, unlock: isDelete, row };
}

function answer(call: Call, changes: readonly ChangedRow[], lsn: number): void {
  const out = call.answer();
  encodeBatchCommitAnswer(out, lsn, changes.length);
  for (const { rowId, version } of changes) encodeChangedRow(out, rowId, version);
  call.done(lsn);
}

function at(handles: readonly TableHandle[], place: number): TableHandle {
  const handle = handles[place];
  assert(handle !== undefined, 'Every change has its handle');
  return handle;
}
