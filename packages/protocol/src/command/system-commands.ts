/**
 * The server as a whole, and what several commands share. Little-endian; `text` is a size (u32) and UTF-8.
 *
 * | command | request | answer |
 * | --- | --- | --- |
 * | Checkpoint | empty | u64 lsn up to which everything is synced |
 * | SystemGetStats | empty | text JSON |
 * | Explain | in `read-commands.ts` | text JSON |
 * | any, refused | – | text message for people, then what the command adds; the status in the header is the error's number |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { errorCodeOf, KLaniError } from '../errors.ts';

/** Checks that a payload is empty, as that of Disconnect and of the answers without content. */
export function decodeEmpty(reader: ByteReader): void {
  reader.expectEnd();
}

export function encodeCheckpointAnswer(writer: ByteWriter, lsn: number): void {
  writer.u64Safe(lsn);
}

/** @returns the lsn up to which everything is synced */
export function decodeCheckpointAnswer(reader: ByteReader): number {
  const lsn = reader.u64Safe();
  reader.expectEnd();
  return lsn;
}

/** The answer of SystemGetStats and of Explain. */
export function encodeJsonAnswer(writer: ByteWriter, json: string): void {
  writer.text(json);
}

/** @returns the JSON text */
export function decodeJsonAnswer(reader: ByteReader): string {
  const json = reader.text();
  reader.expectEnd();
  return json;
}

/** The payload of an answer whose status is not 0; only a refused Claim adds to it (`encodeClaimRefusal`). */
export function encodeErrorAnswer(writer: ByteWriter, message: string): void {
  writer.text(message.toWellFormed());
}

/**
 * The error that an answer carries. What follows the message is passed over: it is the command's, or that of a newer server.
 *
 * @param status from the header, not 0; a number that this version does not know becomes `Protocol`, and the message names it
 * @param retryAfterMs from the header
 */
export function decodeErrorAnswer(reader: ByteReader, status: number, retryAfterMs: number): KLaniError {
  const message = reader.text();
  const details = retryAfterMs === 0 ? {} : { retryAfterMs };
  const code = errorCodeOf(status);
  if (code !== undefined) return new KLaniError(code, message, details);
  return new KLaniError(
    'Protocol',
    `Cannot understand answer: error number is ${status}, which this version does not know: ${message}`,
    details,
  );
}
