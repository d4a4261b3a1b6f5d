/**
 * Writes `golden/`: the bytes that every implementation of the protocol must make and understand. `node tools/golden.ts` writes them anew
 * and prints the layout hash; a difference to what is committed is a change of the protocol.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import * as protocol from '@k-lani/protocol';
import { goldenFrames, type GoldenFrame } from './golden-frames.ts';
import { goldenRows, type GoldenRow } from './golden-rows.ts';
import { SEATS } from './wire-form.ts';

/** The content of `golden/frames.json`. */
export interface GoldenFrames {
  readonly protocolVersion: number;
  /** Of the table whose rows, terms and slots the frames hold, as CreateTable sends it. */
  readonly schema: unknown;
  readonly frames: readonly GoldenFrame[];
}

/** The content of `golden/rows.json`. */
export interface GoldenRows {
  readonly protocolVersion: number;
  readonly rows: readonly GoldenRow[];
}

/** Where `golden/frames.json` is. */
export const FRAMES_FILE = new URL('../golden/frames.json', import.meta.url);

/** Where `golden/rows.json` is. */
export const ROWS_FILE = new URL('../golden/rows.json', import.meta.url);

/** The text of `golden/frames.json`. */
export function framesJson(): string {
  const content: GoldenFrames = {
    protocolVersion: protocol.PROTOCOL_VERSION,
    schema: JSON.parse(protocol.encodeSchema(SEATS)),
    frames: goldenFrames(),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** The text of `golden/rows.json`. */
export function rowsJson(): string {
  const content: GoldenRows = { protocolVersion: protocol.PROTOCOL_VERSION, rows: goldenRows() };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** SHA-256 of everything that another implementation must agree on: numbers, offsets, limits and the golden bytes. */
export function layoutHash(): string {
  const layout = {
    protocolVersion: protocol.PROTOCOL_VERSION,
    handshakeMagic: protocol.HANDSHAKE_MAGIC,
    frameHeaderSize: protocol.FRAME_HEADER_SIZE,
    frameOffset: protocol.FrameOffset,
    frameFlagAnswer: protocol.FRAME_FLAG_ANSWER,
    opcodes: protocol.Opcode,
    errors: protocol.errorCodes().map((code) => [code, protocol.ERRORS[code].number]),
    types: protocol.TypeCode,
    changes: protocol.ChangeKind,
    termForms: protocol.TermForm,
    limits: [
      protocol.CLIENT_NAME_BYTES_MAX,
      protocol.CREDENTIALS_BYTES_MAX,
      protocol.OPERATION_ID_SIZE,
      protocol.DATABASE_ID_SIZE,
      protocol.TERMS_MAX,
      protocol.CLAIM_LINES_MAX,
      protocol.CLAIM_ROWS_MAX,
      protocol.ASSIGNMENTS_MAX,
    ],
    frames: goldenFrames().map(({ name, hex }) => [name, hex]),
    rows: goldenRows().map(({ name, hex }) => [name, hex]),
  };
  return createHash('sha256').update(JSON.stringify(layout)).digest('hex');
}

if (import.meta.main) {
  writeFileSync(FRAMES_FILE, framesJson());
  writeFileSync(ROWS_FILE, rowsJson());
  console.log(layoutHash());
}
