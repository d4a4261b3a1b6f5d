/** Claim: the fast path of a sale. */
import { fillTerms, type Assignment, type Changed, type ClaimLine, type Claimed, type DoneOperation } from '@k-lani/engine';
import {
  ByteWriter,
  CLAIM_LINES_MAX,
  type ClaimRequest,
  decodeClaimRequest,
  encodeChangedRow,
  encodeClaimAnswer,
  encodeClaimedCount,
  encodeClaimedRowBytes,
  encodeClaimRefusal,
  ERRORS,
  type WireClaimLine,
} from '@k-lani/protocol';
import type { Call } from './call.ts';
import type { TableHandle } from './table-handles.ts';

const NONE_AVAILABLE = ERRORS.NoneAvailable.number;
const ALL_LOCKED = ERRORS.AllLocked.number;

/** What an answer takes for each row besides the row's own bytes: row id, version, length. */
const ROW_HEAD_SIZE_BYTES = 12;
const LENGTH_SIZE_BYTES = 4;
/** What an answer takes for each line. */
const COUNT_SIZE_BYTES = 2;

const LOCKED_PAYLOADS = refusalPayloads('the rows that match are locked');
const NONE_PAYLOADS = refusalPayloads('too few rows match');
const NO_PAYLOAD = new Uint8Array(0);

/** A row that the claim took. */
type ClaimedChange = Pick<Changed, 'rowId' | 'version' | 'lsn'>;

export function claim(call: Call): void {
  const { caller, database } = call;
  const request = decodeClaimRequest(call.reader, caller.handles);
  call.expectRoom();
  const handles: TableHandle[] = [];
  for (const { handle: number, handleOffset } of request.lines) {
    const handle = caller.handles.get(number);
    call.nameTable(handleOffset, handle.table);
    handles.push(handle);
  }
  const operation = call.operation(request.operationIdOffset);
  const first = call.firstAnswer(operation);
  if (first !== undefined) {
    answer(call, request, handles, { lines: linesOf(first, request.lines.length), lsn: first.lsn });
    return;
  }
  if (request.returnRows) checkSize(call, request, handles);
  const lines = claimLines(call, request, handles);
  call.inEngine = true;
  const claimed = database.claim(operation, lines);
  if (claimed.outcome === 'claimed') answer(call, request, handles, claimed);
  else refuse(call, claimed);
}

function claimLines(call: Call, { lines }: ClaimRequest, handles: readonly TableHandle[]): ClaimLine[] {
  const { bytes, view } = call.reader;
  const taken: ClaimLine[] = [];
  for (let place = 0; place < lines.length; place += 1) {
    const line = lines[place] as WireClaimLine;
    const handle = handles[place] as TableHandle;
    call.expectNewest(handle);
    const terms = call.service.termList(place);
    fillTerms(terms, handle.table, line.terms, view);
    const assignments: Assignment[] = [];
    for (const { field, slotOffset } of line.assignments) assignments.push({ fieldIndex: field, bytes, view, offset: slotOffset });
    taken.push({ table: handle.table, terms, count: line.count, assignments });
  }
  return taken;
}

function answer(
  call: Call,
  request: ClaimRequest,
  handles: readonly TableHandle[],
  claimed: { readonly lines: readonly (readonly ClaimedChange[])[]; readonly lsn: number },
): void {
  const out = call.answer();
  encodeClaimAnswer(out, claimed.lsn, claimed.lines.length);
  let headsSizeBytes = headsSize(claimed.lines);
  let hasRoom = true;
  for (const [place, changes] of claimed.lines.entries()) {
    encodeClaimedCount(out, changes.length);
    headsSizeBytes -= COUNT_SIZE_BYTES;
    for (const change of changes) {
      encodeChangedRow(out, change.rowId, change.version);
      headsSizeBytes -= ROW_HEAD_SIZE_BYTES;
      if (!request.returnRows) continue;
      hasRoom = hasRoom && putRow(call, handles[place], change, headsSizeBytes);
      if (!hasRoom) encodeClaimedRowBytes(out, NO_PAYLOAD, 0, 0);
    }
  }
  call.done(claimed.lsn);
}

/** Bytes of an answer's lines without the rows themselves. */
function headsSize(lines: readonly (readonly ClaimedChange[])[]): number {
  return lines.reduce((size, changes) => size + COUNT_SIZE_BYTES + changes.length * ROW_HEAD_SIZE_BYTES, 0);
}

/** Writes a row, if there is room for it and for `sizeAfter` bytes behind it. */
function putRow(call: Call, handle: TableHandle | undefined, { lsn }: ClaimedChange, sizeAfter: number): boolean {
  const { database, service } = call;
  const { row } = service;
  if (handle === undefined) return false;
  row.read(database.state.log, handle, database.state.log.record(lsn));
  const { bytes, start, end } = row;
  if (!call.hasRoomFor(LENGTH_SIZE_BYTES + end - start + sizeAfter)) return false;
  encodeClaimedRowBytes(call.caller.out, bytes, start, end);
  return true;
}

function refuse(call: Call, refused: Exclude<Claimed, { outcome: 'claimed' }>): void {
  const { line, dependsOn } = refused;
  const isLocked = refused.outcome === 'all_locked';
  const out = call.refusal(isLocked ? ALL_LOCKED : NONE_AVAILABLE, isLocked ? refused.retryAfterMs : 0);
  out.append((isLocked ? LOCKED_PAYLOADS : NONE_PAYLOADS)[line] ?? NO_PAYLOAD);
  call.done(dependsOn);
}

/** The payloads of refusals, by line: most answers of a sold-out event are one of these. */
function refusalPayloads(problem: string): Uint8Array[] {
  return Array.from({ length: CLAIM_LINES_MAX }, (_, line) => {
    const writer = new ByteWriter();
    encodeClaimRefusal(writer, `Cannot claim line ${line}: ${problem}`, line);
    return writer.bytes.slice(0, writer.length);
  });
}

/**
 * Refuses, before anything is changed, a claim whose answer would be too long with its rows. Blobs count when the answer is made: then the
 * claim is done, and rows for which there is no room any more are left out.
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
