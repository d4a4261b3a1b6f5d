import * as protocol from '@k-lani/protocol';
import * as form from './wire-form.ts';

interface JsonTarget {
  readonly handle: number;
  readonly operationId: string;
  readonly rowId: number;
  readonly fencingToken: string;
  readonly ifVersion: number;
}

interface JsonBatchChange {
  readonly change: protocol.ChangeKindNumber;
  readonly handle: number;
  readonly rowId: number;
  readonly fencingToken: string;
  readonly ifVersion: number;
  readonly row: form.JsonRow | null;
}

interface JsonClaimLine {
  readonly handle: number;
  readonly where: readonly form.JsonTerm[];
  readonly set: form.JsonRow;
  readonly count: number;
}

const { requestForm, SEATS_LAYOUTS } = form;

const handshake = requestForm<Omit<protocol.HandshakeRequest, 'credentials'> & { readonly credentials: string }>(
  'Handshake',
  (writer, value) => protocol.encodeHandshakeRequest(writer, { ...value, credentials: form.fromHex(value.credentials) }),
  (reader) => {
    const request = protocol.decodeHandshakeRequest(reader);
    return { ...request, credentials: form.toHex(request.credentials) };
  },
);

const openTable = requestForm<{ readonly name: string }>(
  'OpenTable',
  (writer, { name }) => protocol.encodeOpenTableRequest(writer, name),
  (reader) => ({ name: protocol.decodeOpenTableRequest(reader) }),
);

const createTable = requestForm<{ readonly operationId: string; readonly schemaJson: string }>(
  'CreateTable',
  (writer, { operationId, schemaJson }) => protocol.encodeCreateTableRequest(writer, protocol.parseOperationId(operationId), schemaJson),
  (reader) => {
    const { operationIdOffset, schemaJson } = protocol.decodeCreateTableRequest(reader);
    return { operationId: protocol.formatOperationId(reader.bytes, operationIdOffset), schemaJson };
  },
);

const alterTable = requestForm<{ readonly handle: number; readonly operationId: string; readonly schemaJson: string }>(
  'AlterTable',
  (writer, { handle, operationId, schemaJson }) =>
    protocol.encodeAlterTableRequest(writer, handle, protocol.parseOperationId(operationId), schemaJson),
  (reader) => {
    const { handle, operationIdOffset, schemaJson } = protocol.decodeAlterTableRequest(reader);
    return { handle, operationId: protocol.formatOperationId(reader.bytes, operationIdOffset), schemaJson };
  },
);

const seek = requestForm<protocol.SeekRequest>(
  'Seek',
  (writer, { handle, rowId }) => protocol.encodeSeekRequest(writer, handle, rowId),
  protocol.decodeSeekRequest,
);

interface JsonFieldQuery {
  readonly handle: number;
  readonly limit: number;
  readonly field: string;
  readonly value: protocol.JsonFieldValue;
}

const seekByField = requestForm<JsonFieldQuery>(
  'SeekByField',
  (writer, { handle, limit, field, value }) => {
    const query = { handle, limit, field: protocol.fieldPositionOf(form.SEATS_LAYOUT, field) };
    protocol.encodeSeekByFieldRequest(writer, form.SEATS_LAYOUT, { ...query, value: form.fieldValue(form.SEATS_LAYOUT, field, value) });
  },
  (reader) => {
    const { handle, limit, field, slotOffset } = protocol.decodeSeekByFieldRequest(reader, SEATS_LAYOUTS);
    return { handle, limit, field: form.fieldName(field), value: form.jsonSlot(reader, field, slotOffset) };
  },
);

const seekByPredicate = requestForm<{ readonly handle: number; readonly limit: number; readonly term: form.JsonTerm }>(
  'SeekByPredicate',
  (writer, { handle, limit, term }) => {
    protocol.encodeSeekByPredicateRequest(writer, handle, limit);
    form.encodeJsonTerm(writer, term);
  },
  (reader) => {
    const { handle, limit, term } = protocol.decodeSeekByPredicateRequest(reader, SEATS_LAYOUTS);
    return { handle, limit, term: form.jsonTerm(reader, term) };
  },
);

type JsonQuery = Omit<protocol.QueryIntersectRequest, 'terms'> & { readonly terms: readonly form.JsonTerm[] };

const queryIntersect = requestForm<JsonQuery>(
  'QueryIntersect',
  (writer, { handle, limit, spread, terms }) => {
    protocol.encodeQueryIntersectRequest(writer, handle, limit, spread);
    form.encodeJsonTerms(writer, terms);
  },
  (reader) => {
    const request = protocol.decodeQueryIntersectRequest(reader, SEATS_LAYOUTS);
    return { ...request, terms: request.terms.map((term) => form.jsonTerm(reader, term)) };
  },
);

const stream = requestForm<{ readonly handle: number; readonly pageRows: number; readonly terms: readonly form.JsonTerm[] }>(
  'Stream',
  (writer, { handle, pageRows, terms }) => {
    protocol.encodeScanRequest(writer, handle, pageRows);
    form.encodeJsonTerms(writer, terms);
  },
  (reader) => {
    const request = protocol.decodeStreamRequest(reader, SEATS_LAYOUTS);
    return { ...request, terms: request.terms.map((term) => form.jsonTerm(reader, term)) };
  },
);

const scan = requestForm<protocol.ScanRequest>(
  'Scan',
  (writer, { handle, pageRows }) => protocol.encodeScanRequest(writer, handle, pageRows),
  protocol.decodeScanRequest,
);

const fetch = requestForm<{ readonly handle: number; readonly rowIds: readonly number[] }>(
  'Fetch',
  (writer, { handle, rowIds }) => protocol.encodeFetchRequest(writer, handle, rowIds),
  (reader) => {
    const { handle, count, rowIdsOffset } = protocol.decodeFetchRequest(reader);
    return { handle, rowIds: Array.from({ length: count }, (_, index) => reader.view.getUint32(rowIdsOffset + 4 * index, true)) };
  },
);

const history = requestForm<protocol.HistoryRequest>('History', protocol.encodeHistoryRequest, protocol.decodeHistoryRequest);

const append = requestForm<{ readonly handle: number; readonly operationId: string; readonly row: form.JsonRow }>(
  'Append',
  (writer, { handle, operationId, row }) => {
    protocol.encodeAppendRequest(writer, handle, protocol.parseOperationId(operationId));
    form.encodeJsonRow(writer, row);
  },
  (reader) => {
    const { handle, operationIdOffset, rowStart, rowEnd } = protocol.decodeAppendRequest(reader);
    return {
      handle,
      operationId: protocol.formatOperationId(reader.bytes, operationIdOffset),
      row: form.jsonRow(reader, rowStart, rowEnd),
    };
  },
);

const replace = requestForm<JsonTarget & { readonly unlock: boolean; readonly row: form.JsonRow }>(
  'Replace',
  (writer, { operationId, fencingToken, unlock, row, ...target }) => {
    const id = protocol.parseOperationId(operationId);
    protocol.encodeReplaceRequest(writer, id, { ...target, ...form.tokenHalves(fencingToken) }, unlock);
    form.encodeJsonRow(writer, row);
  },
  (reader) => {
    const request = protocol.decodeReplaceRequest(reader);
    const row = form.jsonRow(reader, request.rowStart, request.rowEnd);
    return { ...jsonTarget(reader, request), unlock: request.unlock, row };
  },
);

const remove = requestForm<JsonTarget>(
  'Delete',
  (writer, { operationId, fencingToken, ...target }) => {
    const id = protocol.parseOperationId(operationId);
    protocol.encodeDeleteRequest(writer, id, { ...target, ...form.tokenHalves(fencingToken) });
  },
  (reader) => jsonTarget(reader, protocol.decodeDeleteRequest(reader)),
);

const lock = requestForm<protocol.LockRequest>(
  'Lock',
  (writer, { handle, rowId, leaseMs }) => protocol.encodeLockRequest(writer, handle, rowId, leaseMs),
  protocol.decodeLockRequest,
);

const unlock = requestForm<{ readonly handle: number; readonly rowId: number; readonly fencingToken: string }>(
  'Unlock',
  (writer, { handle, rowId, fencingToken }) => protocol.encodeUnlockRequest(writer, { handle, rowId, ...form.tokenHalves(fencingToken) }),
  (reader) => {
    const request = protocol.decodeUnlockRequest(reader);
    return { handle: request.handle, rowId: request.rowId, fencingToken: form.tokenJson(request) };
  },
);

const claim = requestForm<{ readonly operationId: string; readonly returnRows: boolean; readonly lines: readonly JsonClaimLine[] }>(
  'Claim',
  (writer, { operationId, returnRows, lines }) => {
    protocol.encodeClaimRequest(writer, protocol.parseOperationId(operationId), returnRows, lines.length);
    for (const line of lines) {
      const set = Object.entries(line.set).map(([name, json]) => [name, form.fieldValue(form.SEATS_LAYOUT, name, json)]);
      const source = { ...line, where: line.where.map(form.termOf), set: Object.fromEntries(set) };
      protocol.encodeClaimLine(writer, form.SEATS_LAYOUT, source);
    }
  },
  (reader) => {
    const { operationIdOffset, returnRows, lines } = protocol.decodeClaimRequest(reader, SEATS_LAYOUTS);
    const operationId = protocol.formatOperationId(reader.bytes, operationIdOffset);
    return { operationId, returnRows, lines: lines.map((line) => jsonClaimLine(reader, line)) };
  },
);

const batchCommit = requestForm<{ readonly operationId: string; readonly changes: readonly JsonBatchChange[] }>(
  'BatchCommit',
  (writer, { operationId, changes }) => {
    const countOffset = protocol.beginBatchCommit(writer, protocol.parseOperationId(operationId));
    for (const { fencingToken, row, ...change } of changes) {
      const start = protocol.beginBatchChange(writer, { ...change, ...form.tokenHalves(fencingToken) });
      if (row !== null) form.encodeJsonRow(writer, row);
      protocol.endBatchChange(writer, start);
    }
    protocol.endCount(writer, countOffset, changes.length);
  },
  (reader) => {
    const { operationIdOffset, changes } = protocol.decodeBatchCommitRequest(reader);
    const operationId = protocol.formatOperationId(reader.bytes, operationIdOffset);
    return { operationId, changes: changes.map((change) => jsonBatchChange(reader, change)) };
  },
);

const operationStatus = requestForm<{ readonly operationId: string }>(
  'OperationStatus',
  (writer, { operationId }) => protocol.encodeOperationStatusRequest(writer, protocol.parseOperationId(operationId)),
  (reader) => ({ operationId: protocol.formatOperationId(reader.bytes, protocol.decodeOperationStatusRequest(reader)) }),
);

/** The request of every command. */
export const WIRE_REQUESTS: readonly form.WireForm[] = [
  handshake,
  emptyRequest('Disconnect'),
  openTable,
  handleRequest('CloseTable'),
  createTable,
  emptyRequest('ListTables'),
  handleRequest('GetSchema'),
  alterTable,
  seek,
  seekByField,
  seekByPredicate,
  queryIntersect,
  termsRequest('Count'),
  termsRequest('Explain'),
  scan,
  cursorRequest('ScanNext'),
  fetch,
  stream,
  cursorRequest('StreamNext'),
  cursorRequest('StreamClose'),
  history,
  append,
  lock,
  replace,
  unlock,
  remove,
  claim,
  batchCommit,
  operationStatus,
  emptyRequest('Checkpoint'),
  emptyRequest('SystemGetStats'),
];

function emptyRequest(command: protocol.OpcodeName): form.WireForm {
  return requestForm<Readonly<Record<string, never>>>(
    command,
    () => undefined,
    (reader) => {
      protocol.decodeEmpty(reader);
      return {};
    },
  );
}

function handleRequest(command: protocol.OpcodeName): form.WireForm {
  return requestForm<{ readonly handle: number }>(
    command,
    (writer, { handle }) => protocol.encodeHandleRequest(writer, handle),
    (reader) => ({ handle: protocol.decodeHandleRequest(reader) }),
  );
}

function cursorRequest(command: protocol.OpcodeName): form.WireForm {
  return requestForm<{ readonly cursor: number }>(
    command,
    (writer, { cursor }) => protocol.encodeCursorRequest(writer, cursor),
    (reader) => ({ cursor: protocol.decodeCursorRequest(reader) }),
  );
}

function termsRequest(command: protocol.OpcodeName): form.WireForm {
  return requestForm<{ readonly handle: number; readonly terms: readonly form.JsonTerm[] }>(
    command,
    (writer, { handle, terms }) => {
      protocol.encodeTermsRequest(writer, handle);
      form.encodeJsonTerms(writer, terms);
    },
    (reader) => {
      const { handle, terms } = protocol.decodeTermsRequest(reader, SEATS_LAYOUTS);
      return { handle, terms: terms.map((term) => form.jsonTerm(reader, term)) };
    },
  );
}

function jsonTarget(reader: protocol.ByteReader, request: protocol.DeleteRequest): JsonTarget {
  return {
    handle: request.handle,
    operationId: protocol.formatOperationId(reader.bytes, request.operationIdOffset),
    rowId: request.rowId,
    fencingToken: form.tokenJson(request),
    ifVersion: request.ifVersion,
  };
}

function jsonClaimLine(reader: protocol.ByteReader, line: protocol.WireClaimLine): JsonClaimLine {
  const set = line.assignments.map(({ field, slotOffset }) => [form.fieldName(field), form.jsonSlot(reader, field, slotOffset)]);
  const where = line.terms.map((term) => form.jsonTerm(reader, term));
  return { handle: line.handle, where, set: Object.fromEntries(set), count: line.count };
}

function jsonBatchChange(reader: protocol.ByteReader, wire: protocol.WireBatchChange): JsonBatchChange {
  const { change, handle, rowId, ifVersion, rowStart, rowEnd } = wire;
  const row = change === protocol.ChangeKind.delete ? null : form.jsonRow(reader, rowStart, rowEnd);
  return { change, handle, rowId, fencingToken: form.tokenJson(wire), ifVersion, row };
}
