import * as protocol from '@k-lani/protocol';
import * as form from './wire-form.ts';

interface JsonVersionedRow {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
  readonly row: form.JsonRow;
}

interface JsonPage {
  readonly cursor: number;
  readonly lsn: number;
  readonly rows: readonly JsonVersionedRow[];
}

interface JsonVersion {
  readonly change: protocol.ChangeKindNumber;
  readonly version: number;
  readonly lsn: number;
  readonly timeMs: number;
  readonly actor: string;
  readonly operationId: string;
  readonly fencingToken: string;
  readonly row: form.JsonRow | null;
}

interface JsonClaimedRow {
  readonly rowId: number;
  readonly version: number;
  readonly row?: form.JsonRow;
}

type JsonHandshakeAnswer = Omit<protocol.HandshakeAnswer, 'sessionId' | 'databaseId'> & {
  readonly sessionId: string;
  readonly databaseId: string;
};

const { answerForm } = form;

const handshake = answerForm<JsonHandshakeAnswer>(
  'Handshake',
  (writer, value) => {
    const ids = { sessionId: BigInt(value.sessionId), databaseId: form.fromHex(value.databaseId) };
    protocol.encodeHandshakeAnswer(writer, { ...value, ...ids });
  },
  (reader) => {
    const answer = protocol.decodeHandshakeAnswer(reader);
    return { ...answer, sessionId: answer.sessionId.toString(), databaseId: form.toHex(answer.databaseId) };
  },
);

const listTables = answerForm<{ readonly tables: readonly protocol.TableEntry[] }>(
  'ListTables',
  (writer, { tables }) => protocol.encodeListTablesAnswer(writer, tables),
  (reader) => ({ tables: protocol.decodeListTablesAnswer(reader) }),
);

const getSchema = answerForm<protocol.StoredSchema>('GetSchema', protocol.encodeStoredSchema, protocol.decodeStoredSchema);

const alterTable = answerForm<{ readonly schemaVersion: number }>(
  'AlterTable',
  (writer, { schemaVersion }) => protocol.encodeAlterTableAnswer(writer, schemaVersion),
  (reader) => ({ schemaVersion: protocol.decodeAlterTableAnswer(reader) }),
);

const seek = answerForm<JsonVersionedRow>('Seek', encodeRow, (reader) => jsonVersionedRow(reader, protocol.decodeSeekAnswer(reader)));

const queryIntersect = answerForm<{ readonly rowIds: readonly number[] }>(
  'QueryIntersect',
  (writer, { rowIds }) => protocol.encodeRowIds(writer, rowIds, rowIds.length),
  (reader) => ({ rowIds: protocol.decodeRowIds(reader) }),
);

const count = answerForm<{ readonly count: number }>(
  'Count',
  (writer, value) => protocol.encodeCountAnswer(writer, value.count),
  (reader) => ({ count: protocol.decodeCountAnswer(reader) }),
);

const history = answerForm<{ readonly versions: readonly JsonVersion[] }>(
  'History',
  (writer, { versions }) => {
    const countOffset = protocol.beginCount(writer);
    for (const { operationId, fencingToken, row, ...version } of versions) {
      const bytes = row === null ? { bytes: new Uint8Array(0), start: 0, end: 0 } : form.jsonRowBytes(writer, row);
      const id = { operationId: protocol.parseOperationId(operationId), operationIdOffset: 0 };
      protocol.encodeVersion(writer, { ...version, ...id, ...form.tokenHalves(fencingToken), ...bytes });
    }
    protocol.endCount(writer, countOffset, versions.length);
  },
  (reader) => ({ versions: protocol.decodeHistoryAnswer(reader).map((version) => jsonVersion(reader, version)) }),
);

const lock = answerForm<{ readonly fencingToken: string; readonly leaseMs: number; readonly version: number }>(
  'Lock',
  (writer, { fencingToken, ...answer }) => protocol.encodeLockAnswer(writer, { ...answer, ...form.tokenHalves(fencingToken) }),
  (reader) => {
    const answer = protocol.decodeLockAnswer(reader);
    return { fencingToken: form.tokenJson(answer), leaseMs: answer.leaseMs, version: answer.version };
  },
);

const claimRefusal = answerForm<{ readonly message: string; readonly line: number }>(
  'Claim',
  (writer, { message, line }) => protocol.encodeClaimRefusal(writer, message, line),
  (reader) => {
    const { bytes, view, offset, end } = reader;
    const line = protocol.decodeClaimRefusal(reader);
    const { message } = protocol.decodeErrorAnswer(new protocol.ByteReader(bytes, view, offset, end), protocol.ERRORS.AllLocked.number, 0);
    return { message, line };
  },
  'refusal',
);

const batchCommit = answerForm<protocol.BatchCommitAnswer>(
  'BatchCommit',
  (writer, { lsn, changes }) => {
    protocol.encodeBatchCommitAnswer(writer, lsn, changes.length);
    for (const { rowId, version } of changes) protocol.encodeChangedRow(writer, rowId, version);
  },
  protocol.decodeBatchCommitAnswer,
);

const operationStatus = answerForm<protocol.OperationStatusAnswer>(
  'OperationStatus',
  protocol.encodeOperationStatusAnswer,
  protocol.decodeOperationStatusAnswer,
);

const checkpoint = answerForm<{ readonly lsn: number }>(
  'Checkpoint',
  (writer, { lsn }) => protocol.encodeCheckpointAnswer(writer, lsn),
  (reader) => ({ lsn: protocol.decodeCheckpointAnswer(reader) }),
);

const refusal = answerForm<{ readonly message: string }>(
  'Append',
  (writer, { message }) => protocol.encodeErrorAnswer(writer, message),
  (reader) => {
    const { message } = protocol.decodeErrorAnswer(reader, protocol.ERRORS.DuplicateKey.number, 0);
    reader.expectEnd();
    return { message };
  },
  'refusal',
);

/** The answer of every command, and refusals. */
export const WIRE_ANSWERS: readonly form.WireForm[] = [
  handshake,
  emptyAnswer('Disconnect'),
  openedTable('OpenTable'),
  emptyAnswer('CloseTable'),
  openedTable('CreateTable'),
  listTables,
  getSchema,
  alterTable,
  seek,
  rowsAnswer('SeekByField'),
  rowsAnswer('SeekByPredicate'),
  queryIntersect,
  count,
  jsonAnswer('Explain'),
  pageAnswer('Scan'),
  pageAnswer('ScanNext'),
  rowsAnswer('Fetch'),
  pageAnswer('Stream'),
  pageAnswer('StreamNext'),
  emptyAnswer('StreamClose'),
  history,
  changeAnswer('Append'),
  refusal,
  lock,
  changeAnswer('Replace'),
  emptyAnswer('Unlock'),
  changeAnswer('Delete'),
  claimAnswer(false),
  claimAnswer(true),
  claimRefusal,
  batchCommit,
  operationStatus,
  checkpoint,
  jsonAnswer('SystemGetStats'),
];

function emptyAnswer(command: protocol.OpcodeName): form.WireForm {
  return answerForm<Readonly<Record<string, never>>>(
    command,
    () => undefined,
    (reader) => {
      protocol.decodeEmpty(reader);
      return {};
    },
  );
}

function openedTable(command: protocol.OpcodeName): form.WireForm {
  return answerForm<protocol.OpenedTable>(command, protocol.encodeOpenedTable, protocol.decodeOpenedTable);
}

function rowsAnswer(command: protocol.OpcodeName): form.WireForm {
  return answerForm<{ readonly rows: readonly JsonVersionedRow[] }>(
    command,
    (writer, { rows }) => {
      const countOffset = protocol.beginCount(writer);
      for (const row of rows) encodeRow(writer, row);
      protocol.endCount(writer, countOffset, rows.length);
    },
    (reader) => ({ rows: protocol.decodeRows(reader).map((row) => jsonVersionedRow(reader, row)) }),
  );
}

function pageAnswer(command: protocol.OpcodeName): form.WireForm {
  return answerForm<JsonPage>(
    command,
    (writer, { cursor, lsn, rows }) => {
      const start = protocol.beginPage(writer, lsn);
      for (const row of rows) encodeRow(writer, row);
      protocol.endPage(writer, start, cursor, rows.length);
    },
    (reader) => {
      const { cursor, lsn, rows } = protocol.decodePageAnswer(reader);
      return { cursor, lsn, rows: rows.map((row) => jsonVersionedRow(reader, row)) };
    },
  );
}

function jsonAnswer(command: protocol.OpcodeName): form.WireForm {
  return answerForm<{ readonly json: string }>(
    command,
    (writer, { json }) => protocol.encodeJsonAnswer(writer, json),
    (reader) => ({ json: protocol.decodeJsonAnswer(reader) }),
  );
}

function changeAnswer(command: protocol.OpcodeName): form.WireForm {
  return answerForm<protocol.ChangeAnswer>(
    command,
    (writer, { rowId, version, lsn }) => protocol.encodeChangeAnswer(writer, rowId, version, lsn),
    protocol.decodeChangeAnswer,
  );
}

function claimAnswer(withRows: boolean): form.WireForm {
  return answerForm<{ readonly lsn: number; readonly lines: readonly (readonly JsonClaimedRow[])[] }>(
    'Claim',
    (writer, { lsn, lines }) => {
      protocol.encodeClaimAnswer(writer, lsn, lines.length);
      for (const rows of lines) {
        protocol.encodeClaimedCount(writer, rows.length);
        for (const row of rows) encodeClaimed(writer, row);
      }
    },
    (reader) => {
      const { lsn, lines } = protocol.decodeClaimAnswer(reader, withRows);
      const claimed = (row: protocol.WireClaimedRow): JsonClaimedRow => jsonClaimedRow(reader, row, withRows);
      return { lsn, lines: lines.map((rows) => rows.map(claimed)) };
    },
    withRows ? 'answer with rows' : 'answer',
  );
}

function encodeClaimed(writer: protocol.ByteWriter, { rowId, version, row }: JsonClaimedRow): void {
  protocol.encodeChangedRow(writer, rowId, version);
  if (row === undefined) return;
  const { bytes, start, end } = form.jsonRowBytes(writer, row);
  protocol.encodeClaimedRowBytes(writer, bytes, start, end);
}

function jsonClaimedRow(reader: protocol.ByteReader, claimed: protocol.WireClaimedRow, withRows: boolean): JsonClaimedRow {
  const { rowId, version, rowStart, rowEnd } = claimed;
  return withRows ? { rowId, version, row: form.jsonRow(reader, rowStart, rowEnd) } : { rowId, version };
}

function encodeRow(writer: protocol.ByteWriter, { row, ...version }: JsonVersionedRow): void {
  protocol.encodeVersionedRow(writer, { ...version, ...form.jsonRowBytes(writer, row) });
}

function jsonVersionedRow(reader: protocol.ByteReader, wire: protocol.WireRow): JsonVersionedRow {
  const { rowId, version, lsn, rowStart, rowEnd } = wire;
  return { rowId, version, lsn, row: form.jsonRow(reader, rowStart, rowEnd) };
}

function jsonVersion(reader: protocol.ByteReader, wire: protocol.WireVersion): JsonVersion {
  const { change, version, lsn, timeMs, actor, operationIdOffset, rowStart, rowEnd } = wire;
  const operationId = protocol.formatOperationId(reader.bytes, operationIdOffset);
  const row = rowStart === rowEnd ? null : form.jsonRow(reader, rowStart, rowEnd);
  return { change, version, lsn, timeMs, actor, operationId, fencingToken: form.tokenJson(wire), row };
}
