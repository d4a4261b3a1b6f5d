import {
  type ByteReader,
  type ByteWriter,
  ChangeKind,
  type ChangeKindNumber,
  type HistoryRequest,
  Opcode,
  type RowLayout,
  type RowVersion,
  type WireVersion,
  decodeHistoryAnswer,
  encodeHistoryRequest,
  fencingToken,
  formatOperationId,
} from '@k-lani/protocol';
import type { CallContext } from './call.ts';
import type { TableHandle } from './open-tables.ts';
import { readRow } from './rows.ts';
import { TableCall } from './table-call.ts';

const NAMES: Readonly<Record<ChangeKindNumber, RowVersion<never>['change']>> = { 1: 'append', 2: 'replace', 3: 'delete' };

export class HistoryCall<Row> extends TableCall<RowVersion<Row>[]> {
  readonly opcode = Opcode.History;
  readonly #query: Omit<HistoryRequest, 'handle'>;

  constructor(query: Omit<HistoryRequest, 'handle'>) {
    super();
    this.#query = query;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeHistoryRequest(writer, { handle: handle.number, ...this.#query });
  }

  decode(reader: ByteReader, request: CallContext): RowVersion<Row>[] {
    return decodeHistoryAnswer(reader).map((wire) => readVersion<Row>(reader, request.handle.layout, wire));
  }
}

function readVersion<Row>(reader: ByteReader, layout: RowLayout, wire: WireVersion): RowVersion<Row> {
  const { change, version, lsn, timeMs, actor, tokenLow, tokenHigh, rowStart, rowEnd } = wire;
  const token = fencingToken(tokenLow, tokenHigh);
  return {
    change: NAMES[change],
    version,
    lsn,
    time: new Date(timeMs),
    actor,
    operationId: formatOperationId(reader.bytes, wire.operationIdOffset),
    fencingToken: token === 0n ? undefined : token,
    row: change === ChangeKind.delete ? null : (readRow(reader, layout, rowStart, rowEnd) as Row),
  };
}
