/** Claims in an embedded database. */
import {
  ByteReader,
  type ByteWriter,
  CLAIM_LINES_MAX,
  CLAIM_ROWS_MAX,
  KLaniError,
  Opcode,
  decodeTerms,
  encodeFieldSlot,
  encodeTerms,
  fieldPositionOf,
  formatOperationId,
  type ClaimResult,
  type ClaimedRow,
  type TableSchema,
  type TermOf,
} from '@k-lani/protocol';
import type { ClaimLine, Claimed } from '../database/claimer.ts';
import type { DoneOperation } from '../database/operations.ts';
import { fillTerms } from '../database/terms.ts';
import type { TermList } from '../index/term.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { rowAt } from './embedded-rows.ts';
import type { EmbeddedSession, WriteOptions } from './embedded-session.ts';

/** Options of a claim. */
export interface ClaimOptions extends WriteOptions {
  /** Whether the answer has the rows as the claim left them. */
  readonly returnRows?: boolean;
}

/** One line of a claim, whatever its table's type. */
export interface LineSource {
  readonly table: { readonly stored: StoredTable };
  readonly where: readonly TermOf<TableSchema>[];
  readonly set: Readonly<Record<string, unknown>>;
  readonly count?: number | undefined;
}

interface ClaimedChange {
  readonly tableId: number;
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
}

/**
 * Takes rows for every line, or none.
 *
 * @throws {KLaniError} InvalidArgument, FieldNotIndexed, UnknownField, DuplicateKey, BatchTooLarge, errors of values
 */
export function claim<R>(session: EmbeddedSession, lines: readonly LineSource[], options: ClaimOptions): Promise<ClaimResult<R>> {
  if (lines.length === 0 || lines.length > CLAIM_LINES_MAX) {
    throw new KLaniError('InvalidArgument', `Cannot claim ${lines.length} lines: must be 1 to ${CLAIM_LINES_MAX}`);
  }
  const { database } = session;
  const body = session.claimBody;
  body.reset();
  const encoded = lines.map((line) => encodeLine(line, body));
  const prepared = encoded.map((line, place) => prepare(line, body, session.termList(place)));
  const rows = options.returnRows === true;
  return session.write<ClaimResult<R>>(
    { opcode: Opcode.Claim, options, body },
    (operation) => {
      const claimed = database.claim(operation, prepared);
      const tables = prepared.map(({ table }) => table);
      return { answer: answerOf<R>(session, claimed, { tables, rows, id: operation.id }), dependsOn: claimed.dependsOn };
    },
    (done, { id }) => ({
      outcome: 'claimed',
      lsn: done.lsn,
      operationId: formatOperationId(id),
      lines: linesOf(done).map((changes) => changes.map((change) => claimedRow<R>(session, change, rows))),
    }),
  );
}

/** A line whose terms and values are in the body of the request. */
interface EncodedLine {
  readonly table: StoredTable;
  readonly count: number;
  readonly termsOffset: number;
  readonly termsEnd: number;
  readonly slots: readonly { readonly fieldIndex: number; readonly offset: number }[];
}

/** Checks a line and appends it to `body`. */
function encodeLine(line: LineSource, body: ByteWriter): EncodedLine {
  const table = line.table.stored;
  const count = line.count ?? 1;
  if (!(Number.isInteger(count) && count >= 1 && count <= CLAIM_ROWS_MAX)) {
    throw new KLaniError('InvalidArgument', `Cannot claim ${count} rows of table "${table.name}": must be 1 to ${CLAIM_ROWS_MAX}`);
  }
  const names = Object.keys(line.set);
  if (names.length === 0) throw new KLaniError('InvalidArgument', `Cannot claim rows of table "${table.name}": no field is set`);
  body.u32(table.id);
  body.u32(count);
  const termsOffset = body.length;
  encodeTerms(body, table.layout, line.where);
  const termsEnd = body.length;
  const slots = names.map((name) => {
    const fieldIndex = fieldPositionOf(table.layout, name);
    body.u16(fieldIndex);
    const offset = body.length;
    encodeFieldSlot(table.layout, fieldIndex, line.set[name], body);
    return { fieldIndex, offset };
  });
  return { table, count, termsOffset, termsEnd, slots };
}

/** Makes of an encoded line what the engine takes; `body` must not change before the claim is carried out. */
function prepare(line: EncodedLine, body: ByteWriter, terms: TermList): ClaimLine {
  const { bytes, view } = body;
  const { table, count, slots } = line;
  fillTerms(terms, table, decodeTerms(new ByteReader(bytes, view, line.termsOffset, line.termsEnd), table.layout), view);
  return { table, terms, count, assignments: slots.map(({ fieldIndex, offset }) => ({ fieldIndex, bytes, view, offset })) };
}

function answerOf<R>(
  session: EmbeddedSession,
  claimed: Claimed,
  context: { tables: readonly StoredTable[]; rows: boolean; id: Uint8Array },
): ClaimResult<R> {
  if (claimed.outcome === 'none_available') return { outcome: 'none_available', line: claimed.line };
  if (claimed.outcome === 'all_locked') {
    return { outcome: 'all_locked', line: claimed.line, retryAfterMs: claimed.retryAfterMs };
  }
  const lines = claimed.lines.map((changes, place) =>
    changes.map((change) => claimedRow<R>(session, { tableId: context.tables[place]?.id ?? 0, ...change }, context.rows)),
  );
  return { outcome: 'claimed', lsn: claimed.lsn, operationId: formatOperationId(context.id), lines };
}

function claimedRow<R>(session: EmbeddedSession, change: ClaimedChange, rows: boolean): ClaimedRow<R> {
  const { rowId, version } = change;
  if (!rows) return { rowId, version, row: undefined };
  const { database } = session;
  const at = database.state.log.record(change.lsn);
  return { rowId, version, row: rowAt(database.state.log, database.state.catalog.byId(change.tableId), at) as R };
}

/** The changes of a claim by its lines. */
function linesOf(done: DoneOperation): ClaimedChange[][] {
  const lines: ClaimedChange[][] = [];
  for (const change of done.changes) (lines[change.line] ??= []).push(change);
  return lines;
}
