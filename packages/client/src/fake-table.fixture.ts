import {
  type ByteReader,
  type ByteWriter,
  KLaniError,
  Opcode,
  type TableSchema,
  decodeAppendRequest,
  decodeLockRequest,
  decodeReplaceRequest,
  decodeSeekRequest,
  decodeUnlockRequest,
  encodeChangeAnswer,
  encodeLockAnswer,
  encodeSchema,
  encodeVersionedRow,
  formatOperationId,
  rowLayoutOf,
  validateRow,
} from '@k-lani/protocol';

interface StoredRow {
  readonly version: number;
  readonly lsn: number;
  readonly bytes: Uint8Array;
}

interface Done {
  readonly body: string;
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
}

const OPCODES: ReadonlySet<number> = new Set([Opcode.Seek, Opcode.Append, Opcode.Replace, Opcode.Lock, Opcode.Unlock]);

/** One table of a fake server, kept as a test's model: small, obvious, and the same through all sessions. */
export class FakeTable {
  schema: TableSchema;
  readonly rows = new Map<number, StoredRow>();
  /** Row id → the session that holds the lock, and its token. */
  readonly locks = new Map<number, { readonly session: number; readonly token: number }>();
  readonly #done = new Map<string, Done>();
  #lsn = 0;
  #token = 0;

  constructor(schema: TableSchema) {
    this.schema = schema;
  }

  get schemaJson(): string {
    return encodeSchema(this.schema);
  }

  /** Ends what belongs to a session. */
  release(session: number): void {
    for (const [rowId, lock] of this.locks) {
      if (lock.session === session) this.locks.delete(rowId);
    }
  }

  /** Whether `execute()` can carry out a command. */
  static knows(opcode: number): boolean {
    return OPCODES.has(opcode);
  }

  /** Carries out a command that names this table, and writes its answer. */
  execute(opcode: number, reader: ByteReader, writer: ByteWriter, session: number): void {
    if (opcode === Opcode.Seek) {
      this.#seek(decodeSeekRequest(reader).rowId, writer);
    } else if (opcode === Opcode.Append) {
      const { operationIdOffset, rowStart, rowEnd } = decodeAppendRequest(reader);
      const row = this.#row(reader, rowStart, rowEnd);
      this.#change(formatOperationId(reader.bytes, operationIdOffset), row, this.rows.size + 1, writer);
    } else if (opcode === Opcode.Replace) {
      const { rowId, tokenLow, unlock, operationIdOffset, rowStart, rowEnd } = decodeReplaceRequest(reader);
      const id = formatOperationId(reader.bytes, operationIdOffset);
      if (!this.#done.has(id)) this.#expectLock(rowId, tokenLow, session);
      this.#change(id, this.#row(reader, rowStart, rowEnd), rowId, writer);
      if (unlock) this.locks.delete(rowId);
    } else if (opcode === Opcode.Lock) {
      this.#lock(decodeLockRequest(reader).rowId, session, writer);
    } else {
      const { rowId, tokenLow } = decodeUnlockRequest(reader);
      this.#expectLock(rowId, tokenLow, session);
      this.locks.delete(rowId);
    }
  }

  #row(reader: ByteReader, start: number, end: number): Uint8Array {
    validateRow(rowLayoutOf(this.schema), reader.bytes, reader.view, start, end - start);
    return reader.bytes.slice(start, end);
  }

  #seek(rowId: number, writer: ByteWriter): void {
    const row = this.rows.get(rowId);
    if (row === undefined) throw new KLaniError('NotFound', `Cannot seek row ${rowId}: there is none`);
    encodeVersionedRow(writer, { rowId, ...row, start: 0, end: row.bytes.length });
  }

  #change(id: string, bytes: Uint8Array, rowId: number, writer: ByteWriter): void {
    const body = bytes.toHex();
    let done = this.#done.get(id);
    if (done === undefined) {
      this.#lsn += 1;
      done = { body, rowId, version: (this.rows.get(rowId)?.version ?? 0) + 1, lsn: this.#lsn };
      this.#done.set(id, done);
      this.rows.set(rowId, { version: done.version, lsn: done.lsn, bytes });
    }
    if (done.body !== body) throw new KLaniError('OperationMismatch', `Cannot change row ${rowId}: another request had this id`);
    encodeChangeAnswer(writer, done.rowId, done.version, done.lsn);
  }

  #lock(rowId: number, session: number, writer: ByteWriter): void {
    const row = this.rows.get(rowId);
    if (row === undefined) throw new KLaniError('NotFound', `Cannot lock row ${rowId}: there is none`);
    if (this.locks.has(rowId)) throw new KLaniError('AlreadyLocked', `Cannot lock row ${rowId}: it is locked`, { retryAfterMs: 7 });
    this.#token += 1;
    this.locks.set(rowId, { session, token: this.#token });
    encodeLockAnswer(writer, { tokenLow: this.#token, tokenHigh: 0, leaseMs: 5000, version: row.version });
  }

  #expectLock(rowId: number, token: number, session: number): void {
    const lock = this.locks.get(rowId);
    if (lock === undefined || lock.session !== session) throw new KLaniError('NotLocked', `Cannot write row ${rowId}: it is not locked`);
    if (lock.token !== token) throw new KLaniError('StaleToken', `Cannot write row ${rowId}: the token is old`);
  }
}
