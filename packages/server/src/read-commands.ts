/** Seek, SeekByField, SeekByPredicate, QueryIntersect, Count, Explain, Fetch, History: reads of the visible state. */
import {
  fillTerms,
  forEachVersion,
  NONE,
  type Reader,
  RecordKind,
  RecordOffset,
  readU64,
  recordActor,
  type StoredTable,
  type TermList,
} from '@k-lani/engine';
import {
  beginCount,
  type ByteReader,
  ChangeKind,
  type ChangeKindNumber,
  decodeFetchRequest,
  decodeHistoryRequest,
  decodeQueryIntersectRequest,
  decodeSeekByFieldRequest,
  decodeSeekByPredicateRequest,
  decodeSeekRequest,
  decodeTermsRequest,
  encodeCountAnswer,
  encodeJsonAnswer,
  encodeRowIds,
  encodeVersion,
  encodeVersionedRow,
  endCount,
  ERRORS,
  type Explanation,
  KLaniError,
  NO_SLOT,
  TermForm,
  type WireTerm,
} from '@k-lani/protocol';
import type { Call } from './call.ts';
import type { Refusal } from './refusal.ts';
import type { TableHandle } from './table-handles.ts';

/** How the engine would carry out a query. */
type Plan = ReturnType<Reader['explain']>;

const NOT_FOUND = ERRORS.NotFound.number;

/** A row that this session has locked is read in its latest state, so that the answer waits for that to be durable. */
export function seek(call: Call): void {
  const { caller, database, service } = call;
  const { handle: number, rowId } = decodeSeekRequest(call.reader);
  const handle = caller.handles.get(number);
  const { table } = handle;
  const isLocked = caller.owner.locks.size > 0 && database.state.locks.find(table.id, rowId)?.owner === caller.owner;
  const at = isLocked ? database.reader.seekLatest(table, rowId) : database.reader.seek(table, rowId);
  const dependsOn = isLocked ? database.reader.latestDependsOn(table, rowId) : 0;
  if (at === NONE) {
    call.refuse(noSuchRow(table, rowId), dependsOn);
    return;
  }
  const { row } = service;
  row.read(database.state.log, handle, at);
  encodeVersionedRow(call.answer(), row);
  call.done(dependsOn);
}

export function seekByField(call: Call): void {
  const { handle, limit, field, slotOffset } = decodeSeekByFieldRequest(call.reader, call.caller.handles);
  answerMatches(call, handle, limit, { field, form: TermForm.equal, lowOffset: slotOffset, highOffset: NO_SLOT });
}

export function seekByPredicate(call: Call): void {
  const { handle, limit, term } = decodeSeekByPredicateRequest(call.reader, call.caller.handles);
  answerMatches(call, handle, limit, term);
}

export function queryIntersect(call: Call): void {
  const { caller, database, service } = call;
  const { handle, limit, spread, terms } = decodeQueryIntersectRequest(call.reader, caller.handles);
  const { table } = caller.handles.get(handle);
  const rowsMax = service.config.maxResponseRows;
  checkLimit(limit, rowsMax);
  const rowIds = database.reader.query(table, filled(call, table, terms), { limit, spread, rowsMax });
  encodeRowIds(call.answer(), rowIds, rowIds.length);
  call.done();
}

export function count(call: Call): void {
  const { caller, database } = call;
  const { handle, terms } = decodeTermsRequest(call.reader, caller.handles);
  const { table } = caller.handles.get(handle);
  const rows = database.reader.count(table, filled(call, table, terms));
  encodeCountAnswer(call.answer(), rows);
  call.done();
}

export function explain(call: Call): void {
  const { caller, database } = call;
  const { handle, terms } = decodeTermsRequest(call.reader, caller.handles);
  const { table } = caller.handles.get(handle);
  const plan = database.reader.explain(table, filled(call, table, terms));
  encodeJsonAnswer(call.answer(), JSON.stringify(explanationOf(table, plan)));
  call.done();
}

export function fetchRows(call: Call): void {
  const { reader } = call;
  const { handle, count: asked, rowIdsOffset } = decodeFetchRequest(reader);
  checkLimit(asked, call.service.config.maxResponseRows);
  answerRows(call, call.caller.handles.get(handle), asked, (place) => rowIdAt(reader, rowIdsOffset, place));
}

/** Versions that are durable; a row is brought into the layout of the handle. */
export function history(call: Call): void {
  const { caller, database } = call;
  const { handle: number, ...query } = decodeHistoryRequest(call.reader);
  const handle = caller.handles.get(number);
  const rowsMax = call.service.config.maxResponseRows;
  checkLimit(query.limit, rowsMax);
  const out = call.answer();
  const countOffset = beginCount(out);
  let versions = 0;
  forEachVersion(database.state, handle.table, { ...query, limit: query.limit === 0 ? rowsMax : query.limit }, (at) => {
    putVersion(call, handle, at);
    if (call.isTooLong) throw call.tooLong();
    versions += 1;
  });
  endCount(out, countOffset, versions);
  call.done();
}

/** What is answered where there is no such row. */
export function noSuchRow(table: StoredTable, rowId: number): Refusal {
  return {
    status: NOT_FOUND,
    message: `Cannot read row ${rowId} of table "${table.name}": there is none, or it is deleted`,
    retryAfterMs: 0,
  };
}

/** A plan as it is answered. */
export function explanationOf(table: StoredTable, plan: Plan): Explanation {
  return {
    ...plan,
    terms: plan.terms.map(({ fieldIndex, role, rows }) => ({ field: table.schema.fields[fieldIndex]?.name ?? '', role, rows })),
  };
}

/** Refuses more than the server answers at once. @throws {KLaniError} InvalidArgument */
export function checkLimit(limit: number, rowsMax: number): void {
  if (limit > rowsMax)
    throw new KLaniError('InvalidArgument', `Cannot answer with ${limit} rows at once: must be <= ${rowsMax}, maxResponseRows`);
}

/** The terms of a request, as the engine takes them. Valid until the next request. */
export function filled(call: Call, table: StoredTable, wireTerms: readonly WireTerm[]): TermList {
  const terms = call.service.termList(0);
  fillTerms(terms, table, wireTerms, call.reader.view);
  return terms;
}

function answerMatches(call: Call, number: number, limit: number, term: WireTerm): void {
  const { database, caller, service } = call;
  const handle = caller.handles.get(number);
  const rowsMax = service.config.maxResponseRows;
  checkLimit(limit, rowsMax);
  const rowIds = database.reader.query(handle.table, filled(call, handle.table, [term]), { limit, spread: 0, rowsMax });
  answerRows(call, handle, rowIds.length, (place) => rowIds[place] ?? 0);
}

/** Answers with those of the rows that exist. */
function answerRows(call: Call, handle: TableHandle, rowCount: number, rowIdOf: (place: number) => number): void {
  const { database } = call;
  const { row } = call.service;
  const out = call.answer();
  const countOffset = beginCount(out);
  let found = 0;
  for (let place = 0; place < rowCount; place += 1) {
    const at = database.reader.seek(handle.table, rowIdOf(place));
    if (at === NONE) continue;
    row.read(database.state.log, handle, at);
    encodeVersionedRow(out, row);
    if (call.isTooLong) throw call.tooLong();
    found += 1;
  }
  endCount(out, countOffset, found);
  call.done();
}

function putVersion(call: Call, handle: TableHandle, at: number): void {
  const { log } = call.database.state;
  const { row } = call.service;
  const { bytes, view } = log;
  const change = changeOf(view.getUint8(at + RecordOffset.kind));
  const version = view.getUint32(at + RecordOffset.version, true);
  const source = { bytes, start: 0, end: 0 };
  if (change !== ChangeKind.delete) {
    row.read(log, handle, at);
    source.bytes = row.bytes;
    source.start = row.start;
    source.end = row.end;
  }
  encodeVersion(call.caller.out, {
    ...source,
    change,
    version,
    lsn: readU64(view, at + RecordOffset.lsn),
    timeMs: readU64(view, at + RecordOffset.time),
    actor: recordActor(log, at),
    operationId: bytes,
    operationIdOffset: at + RecordOffset.operationId,
    tokenLow: view.getUint32(at + RecordOffset.fencingToken, true),
    tokenHigh: view.getUint32(at + RecordOffset.fencingToken + 4, true),
  });
}

function changeOf(kind: number): ChangeKindNumber {
  if (kind === RecordKind.append) return ChangeKind.append;
  return kind === RecordKind.replace ? ChangeKind.replace : ChangeKind.delete;
}

function rowIdAt(reader: ByteReader, offset: number, place: number): number {
  return reader.view.getUint32(offset + 4 * place, true);
}
