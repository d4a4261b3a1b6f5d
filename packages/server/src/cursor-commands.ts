/** Scan, ScanNext, Stream, StreamNext, StreamClose. */
import { Cursor } from '@k-lani/engine';
import {
  beginPage,
  decodeCursorRequest,
  decodeScanRequest,
  decodeStreamRequest,
  encodeVersionedRow,
  endPage,
  KLaniError,
} from '@k-lani/protocol';
import type { Call } from './call.ts';
import type { OpenCursor } from './cursors.ts';
import { checkLimit, filled } from './read-commands.ts';

export function scan(call: Call): void {
  const { caller, database, service } = call;
  const { handle: number, pageRows } = decodeScanRequest(call.reader);
  const handle = caller.handles.get(number);
  checkPageRows(call, pageRows);
  begin(call, { cursor: Cursor.scan(database.state, handle.table, service.config.streamIdleMs), handle, pageRows });
}

export function stream(call: Call): void {
  const { caller, database, service } = call;
  const { handle: number, pageRows, terms: wireTerms } = decodeStreamRequest(call.reader, caller.handles);
  const handle = caller.handles.get(number);
  checkPageRows(call, pageRows);
  const { table } = handle;
  const terms = filled(call, table, wireTerms);
  const query = { table, terms, idleMsMax: service.config.streamIdleMs };
  begin(call, { cursor: Cursor.stream(database.state, database.reader, query), handle, pageRows });
}

/** ScanNext and StreamNext. */
export function turnPage(call: Call): void {
  const number = decodeCursorRequest(call.reader);
  const open = call.caller.cursors.get(number);
  try {
    answerPage(call, open, () => number);
  } catch (error) {
    call.caller.cursors.close(number);
    throw error;
  }
  if (open.cursor.isDone) call.caller.cursors.close(number);
}

export function closeCursor(call: Call): void {
  call.caller.cursors.close(decodeCursorRequest(call.reader));
  call.answer();
  call.done();
}

function begin(call: Call, open: OpenCursor): void {
  try {
    answerPage(call, open, () => call.caller.cursors.open(open));
  } catch (error) {
    open.cursor.close();
    throw error;
  }
}

/** Answers with the next page. It ends early where the answer would become too long. */
function answerPage(call: Call, { cursor, handle, pageRows }: OpenCursor, numberOf: () => number): void {
  const { database } = call;
  const { row } = call.service;
  const out = call.answer();
  const start = beginPage(out, cursor.lsn);
  let count = 0;
  cursor.page(pageRows, (at) => {
    row.read(database.state.log, handle, at);
    const { length } = out;
    encodeVersionedRow(out, row);
    if (call.isTooLong && count > 0) {
      out.length = length;
      return false;
    }
    count += 1;
    return true;
  });
  endPage(out, start, cursor.isDone ? 0 : numberOf(), count);
  call.done();
}

function checkPageRows(call: Call, pageRows: number): void {
  if (pageRows === 0) throw new KLaniError('InvalidArgument', 'Cannot read pages of 0 rows: must be >= 1');
  checkLimit(pageRows, call.service.config.maxResponseRows);
}
