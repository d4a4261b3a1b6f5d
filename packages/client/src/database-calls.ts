/** Commands about the database and its tables as a whole. */
import {
  type ByteReader,
  type ByteWriter,
  Opcode,
  type OpenedTable,
  type OperationStatus,
  opcodeName,
  type TableSummary,
  type TableSchema,
  decodeAlterTableAnswer,
  decodeCheckpointAnswer,
  decodeListTablesAnswer,
  decodeOpenedTable,
  decodeOperationStatusAnswer,
  encodeAlterTableRequest,
  encodeCreateTableRequest,
  encodeOpenTableRequest,
  encodeOperationStatusRequest,
  encodeSchema,
  parseOperationId,
} from '@k-lani/protocol';
import type { OpenTable, OpenTables } from './open-tables.ts';
import { type Report, readReport } from './read-calls.ts';
import { type AfterLoss, Call, type CallContext } from './call.ts';
import { TableCall } from './table-call.ts';
import { type IdSource, nextId } from './write-calls.ts';

/** Makes a table, or opens it when it exists with this very schema. */
export class CreateTableCall extends Call<OpenTable> {
  readonly opcode = Opcode.CreateTable;
  readonly #tables: OpenTables;
  readonly #schema: TableSchema;
  readonly #id: IdSource;

  constructor(tables: OpenTables, schema: TableSchema, id: IdSource) {
    super();
    this.#tables = tables;
    this.#schema = schema;
    this.#id = id;
  }

  override get operationIdOffset(): number {
    return 0;
  }

  encode(writer: ByteWriter): void {
    encodeCreateTableRequest(writer, nextId(this.#id), encodeSchema(this.#schema));
  }

  decode(reader: ByteReader): OpenTable {
    return this.#tables.put(this.#schema.table, decodeOpenedTable(reader));
  }
}

/** Opens a second handle of a table, which an alteration may then speak for. */
export class OpenHandleCall extends Call<OpenedTable> {
  readonly opcode = Opcode.OpenTable;
  readonly #name: string;

  constructor(name: string) {
    super();
    this.#name = name;
  }

  override get afterLoss(): AfterLoss {
    return 'refuse';
  }

  encode(writer: ByteWriter): void {
    encodeOpenTableRequest(writer, this.#name);
  }

  decode(reader: ByteReader): OpenedTable {
    return decodeOpenedTable(reader);
  }
}

/**
 * Alters a table. Its handle speaks the new schema from then on, so it is one that no other request in flight uses; afterwards it is the
 * table's handle.
 */
export class AlterTableCall extends TableCall<OpenTable> {
  readonly opcode = Opcode.AlterTable;
  readonly #tables: OpenTables;
  readonly #schema: TableSchema;
  readonly #fresh: OpenedTable;
  readonly #id: IdSource;
  #wasRepeated = false;

  constructor(tables: OpenTables, { fresh, schema, id }: { fresh: OpenedTable; schema: TableSchema; id: IdSource }) {
    super();
    this.#tables = tables;
    this.#schema = schema;
    this.#fresh = fresh;
    this.#id = id;
  }

  override get operationIdOffset(): number {
    return 4;
  }

  protected encodePayload(writer: ByteWriter): void {
    encodeAlterTableRequest(writer, this.#fresh.handle, nextId(this.#id), encodeSchema(this.#schema));
  }

  override encodeAgain(writer: ByteWriter, request: CallContext): void {
    this.#wasRepeated = true;
    super.encodeAgain(writer, request);
  }

  decode(reader: ByteReader, request: CallContext): OpenTable {
    const schemaVersion = decodeAlterTableAnswer(reader);
    const handle = this.#wasRepeated ? request.handle.number : this.#fresh.handle;
    const { tableId } = this.#fresh;
    return this.#tables.put(this.#schema.table, { handle, tableId, schemaVersion, schemaJson: encodeSchema(this.#schema) });
  }
}

export class ListTablesCall extends Call<readonly TableSummary[]> {
  readonly opcode = Opcode.ListTables;

  encode(): void {}

  decode(reader: ByteReader): readonly TableSummary[] {
    return decodeListTablesAnswer(reader);
  }
}

export class OperationStatusCall extends Call<OperationStatus> {
  readonly opcode = Opcode.OperationStatus;
  readonly #asked: string;

  constructor(operationId: string) {
    super();
    this.#asked = operationId;
  }

  encode(writer: ByteWriter): void {
    encodeOperationStatusRequest(writer, parseOperationId(this.#asked));
  }

  decode(reader: ByteReader): OperationStatus {
    const answer = decodeOperationStatusAnswer(reader);
    if (answer.state === 'unknown') return answer;
    const { timeMs, opcode, ...rest } = answer;
    return { ...rest, command: opcodeName(opcode) ?? 'unknown', time: new Date(timeMs) };
  }
}

export class CheckpointCall extends Call<{ readonly lsn: number }> {
  readonly opcode = Opcode.Checkpoint;

  encode(): void {}

  decode(reader: ByteReader): { readonly lsn: number } {
    return { lsn: decodeCheckpointAnswer(reader) };
  }
}

export class StatsCall extends Call<Report> {
  readonly opcode = Opcode.SystemGetStats;

  encode(): void {}

  decode(reader: ByteReader): Report {
    return readReport(reader);
  }
}
