/** The commands that the client sends by itself, to begin, keep and end a session. */
import {
  type ByteReader,
  type ByteWriter,
  type HandshakeAnswer,
  Opcode,
  PROTOCOL_VERSION,
  decodeHandshakeAnswer,
  decodeOpenedTable,
  encodeHandleRequest,
  encodeHandshakeRequest,
  encodeOpenTableRequest,
} from '@k-lani/protocol';
import type { OpenTable, OpenTables } from './open-tables.ts';
import { type AfterLoss, Call } from './call.ts';

const NO_CREDENTIALS = new Uint8Array();

export class HandshakeCall extends Call<HandshakeAnswer> {
  readonly opcode = Opcode.Handshake;
  readonly #clientName: string;

  constructor(clientName: string) {
    super();
    this.#clientName = clientName;
  }

  override get afterLoss(): AfterLoss {
    return 'refuse';
  }

  encode(writer: ByteWriter): void {
    encodeHandshakeRequest(writer, {
      versionMin: PROTOCOL_VERSION,
      versionMax: PROTOCOL_VERSION,
      features: 0,
      clientName: this.#clientName,
      credentials: NO_CREDENTIALS,
    });
  }

  decode(reader: ByteReader): HandshakeAnswer {
    return decodeHandshakeAnswer(reader);
  }
}

/** Opens a table in the present session, for the first time or again. */
export class OpenTableCall extends Call<OpenTable> {
  readonly opcode = Opcode.OpenTable;
  readonly #tables: OpenTables;
  readonly #name: string;
  readonly #afterLoss: AfterLoss;

  constructor(tables: OpenTables, name: string, afterLoss: AfterLoss) {
    super();
    this.#tables = tables;
    this.#name = name;
    this.#afterLoss = afterLoss;
  }

  override get afterLoss(): AfterLoss {
    return this.#afterLoss;
  }

  encode(writer: ByteWriter): void {
    encodeOpenTableRequest(writer, this.#name);
  }

  decode(reader: ByteReader): OpenTable {
    return this.#tables.put(this.#name, decodeOpenedTable(reader));
  }
}

/** A request that gives something of the session back: when the session ends, that is done too, and a refusal changes nothing. */
export abstract class ReleaseCall extends Call<void> {
  override get afterLoss(): AfterLoss {
    return 'done';
  }

  decode(reader: ByteReader): void {
    reader.expectEnd();
  }

  override refused(): void {}
}

export class CloseTableCall extends ReleaseCall {
  readonly opcode = Opcode.CloseTable;
  readonly #handle: number;

  constructor(handle: number) {
    super();
    this.#handle = handle;
  }

  encode(writer: ByteWriter): void {
    encodeHandleRequest(writer, this.#handle);
  }
}

export class DisconnectCall extends ReleaseCall {
  readonly opcode = Opcode.Disconnect;

  encode(): void {}
}
