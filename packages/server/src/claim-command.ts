/** Claim: the fast path of a sale. */
import { fillTerms, type Changed, type ClaimLine, type Claimed, type DoneOperation, type StoredTable } from '@k-lani/engine';
import {
  type ClaimRequest,
  decodeClaimRequest,
  encodeChangedRow,
  encodeClaimAnswer,
  encodeClaimedCount,
  encodeClaimedRowBytes,
  encodeClaimRefusal,
  ERRORS,
  KLaniError,
  type WireClaimLine,
} from '@k-lani/protocol';
import type { Call } from './call.ts';
import type { TableHandle } from './table-handles.ts';

const NONE_AVAILABLE = ERRORS.NoneAvailable.number;
const ALL_LOCKED = ERRORS.AllLocked.number;

/** What an answer takes for each row besides the row's own bytes: row id, version, length. */
const ROW_HEAD_SIZE_BYTES = 12;

/** A row that the claim took. */
type ClaimedChange = Pick<Changed, 'rowId' | 'version' | 'lsn'>;

export function claim(call: Call): void {
  const { caller, database } = call;
  const request = decodeClaimRequest(call.reader, caller.handles);
  const handles = request.lines.map(({ handle }) => caller.handles.get(handle));
  call.expectRoom();
  for (const [place, { handleOffset }] of request.lines.entries()) call.nameTable(handleOffset, tableOf(handles, place));
  const operation = call.operation(request.operationIdOffset);
  const first = call.firstAnswer(operation);
  if (first !== undefined) {
    answer(call, request, handles, { lines: linesOf(first, request.lines.length), lsn: first.lsn });
    return;
  }
  for (const handle of handles) call.expectNewest(handle);
  if (request.returnRows) checkSize(call, request, handles);
  const lines = request.lines.map((line, place) => claimLine(call, line, place, tableOf(handles, place)));
  call.inEngine = true;
  const claimed = database.claim(operation, lines);
  if (claimed.outcome === 'claimed') answer(call, request, handles, claimed);
  else refuse(call, claimed);
}

function claimLine(call: Call, line: WireClaimLine, place: number, table: StoredTable): ClaimLine {
  const { bytes, view } = call.reader;
  const terms = call.service.termList(place);
  fillTerms(terms, table, line.terms, view);
  const assignments = line.assignments.map(({ field, slotOffset }) => ({ fieldIndex: field, bytes, view, offset: slotOffset }));
  return { table, terms, count: line.count, assignments };
}

function answer(
  call: Call,
  request: ClaimRequest,
  handles: readonly TableHandle[],
  claimed: { readonly lines: readonly (readonly ClaimedChange[])[]; readonly lsn: number },
): void {
  const out = call.answer();
  encodeClaimAnswer(out, claimed.lsn, claimed.lines.length);
  for (const [place, changes] of claimed.lines.entries()) {
    encodeClaimedCount(out, changes.length);
    for (const change of changes) {
      encodeChangedRow(out, change.rowId, change.version);
      if (request.returnRows) putRow(call, handles[place], change);
    }
  }
  call.done(claimed.lsn);
}

function putRow(call: Call, handle: TableHandle | undefined, { lsn }: ClaimedChange): void {
  const { database, service } = call;
  const { row } = service;
  if (handle === undefined) return;
  row.read(database, handle, database.state.log.record(lsn));
  encodeClaimedRowBytes(call.caller.out, row.bytes, row.start, row.end);
  if (!call.isTooLong) return;
  const limit = call.service.answerBytesMax;
  throw new KLaniError(
    'ResponseTooLarge',
    `Cannot answer with the claimed rows: the frame would have more than ${limit} bytes. The claim is done: fetch them`,
  );
}

function refuse(call: Call, refused: Exclude<Claimed, { outcome: 'claimed' }>): void {
  const { line, dependsOn } = refused;
  const isLocked = refused.outcome === 'all_locked';
  const out = call.refusal(isLocked ? ALL_LOCKED : NONE_AVAILABLE, isLocked ? refused.retryAfterMs : 0);
  encodeClaimRefusal(
    out,
    isLocked ? `Cannot claim line ${line}: the rows that match are locked` : `Cannot claim line ${line}: too few rows match`,
    line,
  );
  call.done(dependsOn);
}

/**
 * Refuses, before anything is changed, a claim whose answer would be too long with its rows. Blobs count when the answer is made: then the
 * claim is done, and its rows are there to be fetched.
 */
function checkSize(call: Call, { lines }: ClaimRequest, handles: readonly TableHandle[]): void {
  let sizeBytes = 0;
  for (const [place, { count }] of lines.entries()) {
    sizeBytes += count * (ROW_HEAD_SIZE_BYTES + (handles[place]?.layout.fixedSizeBytes ?? 0));
  }
  if (sizeBytes > call.service.answerBytesMax) throw call.tooLong();
}

/** The changes of a claim that was carried out before, by its lines. */
function linesOf({ changes }: DoneOperation, lineCount: number): ClaimedChange[][] {
  const lines: ClaimedChange[][] = Array.from({ length: lineCount }, () => []);
  for (const change of changes) lines[change.line]?.push(change);
  return lines;
}

function tableOf(handles: readonly TableHandle[], place: number): StoredTable {
  const handle = handles[place];
  if (handle === undefined) throw new KLaniError('InvalidHandle', `Cannot claim line ${place}: it names no table`);
  return handle.table;
}
