import {
  type ByteReader,
  type ByteWriter,
  ChangeKind,
  type ChangeKindNumber,
  type HistoryRequest,
  Opcode,
  type RowLayout,
  type WireVersion,
  decodeHistoryAnswer,
  encodeHistoryRequest,
  fencingToken,
  formatOperationId,
} from '@k-lani/protocol';
import type { OpenTable } from './open-tables.ts';
import { readRow } from './rows.ts';
import { TableRequest } from './table-request.ts';

/** What a change did to its row. */
export type ChangeName = keyof typeof ChangeKind;

/** One version of a row, and how it came to be. */
export interface Version<Row> {
  readonly change: ChangeName;
  readonly version: number;
  readonly lsn: number;
  readonly time: Date;
  /** The name of the client that made the change. */
  readonly actor: string;
  readonly operationId: string;
  /** Of the lock under which the change was made. */
  readonly fencingToken?: bigint;
  /** `null` after a delete. */
  readonly row: Row | null;
}

const NAMES: Readonly<Record<ChangeKindNumber, ChangeName>> = { 1: 'append', 2: 'replace', 3: 'delete' };

export class HistoryCall<Row> extends TableRequest<Version<Row>[]> {
  readonly opcode = Opcode.History;
  readonly #query: Omit<HistoryRequest, 'handle'>;

  constructor(table: OpenTable, query: Omit<HistoryRequest, 'handle'>) {
    super(table);
    this.#query = query;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeHistoryRequest(writer, { handle: this.handle.number, ...this.#query });
  }

  decode(reader: ByteReader): Version<Row>[] {
    return decodeHistoryAnswer(reader).map((wire) => readVersion<Row>(reader, this.handle.layout, wire));
  }
}

function readVersion<Row>(reader: ByteReader, layout: RowLayout, wire: WireVersion): Version<Row> {
  const { change, version, lsn, timeMs, actor, tokenLow, tokenHigh, rowStart, rowEnd } = wire;
  const token = fencingToken(tokenLow, tokenHigh);
  return {
    change: NAMES[change],
    version,
    lsn,
    time: new Date(timeMs),
    actor,
    operationId: formatOperationId(reader.bytes, wire.operationIdOffset),
    ...(token === 0n ? {} : { fencingToken: token }),
    row: change === ChangeKind.delete ? null : (readRow(reader, layout, rowStart, rowEnd) as Row),
  };
}
