/**
 * The first command of every connection. Little-endian; `str` is its size in bytes (u16) and UTF-8. Its request begins the same in all
 * versions of the protocol, so that a server can refuse a client of any age with a reason.
 *
 * Handshake, request
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | magic | "KLNI" |
 * | 4 | 2 | version min | the oldest protocol version that the client speaks |
 * | 6 | 2 | version max | the newest one |
 * | 8 | 4 | features | bits of optional parts that the client can use; none is defined, so 0 |
 * | 12 | 2 + n | client name | str, at most 64 bytes; recorded as the actor of the session's changes |
 * | 14 + n | 2 + m | credentials | their size (u16), then the bytes; none are defined, so 0 bytes |
 *
 * Handshake, answer
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 2 | version | the one that both now speak: the newest in common |
 * | 2 | 4 | features | those of the client's that the server uses too |
 * | 6 | 8 | session id | names the session in the server's logs |
 * | 14 | 16 | database id | random, given when the database was made |
 * | 30 | 4 | epoch | how often the database has been opened for writing |
 * | 34 | 4 | maxFrameBytes | the longest frame that the server takes and sends |
 * | 38 | 4 | maxResponseRows | the most rows of one answer |
 * | 42 | 4 | maxResponseBytes | the most bytes of one answer's payload |
 * | 46 | 4 | lockLeaseMsMax | the longest lease of a lock |
 * | 50 | 4 | maxInFlight | the most requests of this connection that may be unanswered |
 * | 54 | 2 + n | server version | str, for people |
 * | 56 + n | 2 + m | durability | str: "fsync" or "os" |
 *
 * Disconnect: request and answer are empty; the server closes the connection after the answer.
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { HANDSHAKE_MAGIC, PROTOCOL_VERSION } from '../frame.ts';
import { CLIENT_NAME_BYTES_MAX, CREDENTIALS_BYTES_MAX } from '../limits.ts';
import { checkCount } from './bounds.ts';

/** Bytes of a database id. */
export const DATABASE_ID_SIZE = 16;

/** What an answer promises: `fsync` is on stable storage, `os` survives the process but not a power cut. */
export type Durability = 'fsync' | 'os';

/** Who connects. */
export interface HandshakeRequest {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly features: number;
  /** At most 64 bytes of UTF-8; the actor in the history of rows. */
  readonly clientName: string;
  readonly credentials: Uint8Array;
}

/** Who answers, and the limits of the connection. */
export interface HandshakeAnswer {
  readonly version: number;
  readonly features: number;
  readonly sessionId: bigint;
  /** 16 bytes. */
  readonly databaseId: Uint8Array;
  readonly epoch: number;
  readonly maxFrameBytes: number;
  readonly maxResponseRows: number;
  readonly maxResponseBytes: number;
  readonly lockLeaseMsMax: number;
  readonly maxInFlight: number;
  readonly serverVersion: string;
  readonly durability: Durability;
}

/**
 * Writes a handshake.
 *
 * @throws {KLaniError} `InvalidArgument` when name or credentials are too long, `InvalidUtf8`
 */
export function encodeHandshakeRequest(writer: ByteWriter, request: HandshakeRequest): void {
  writer.u32(HANDSHAKE_MAGIC);
  writer.u16(request.versionMin);
  writer.u16(request.versionMax);
  writer.u32(request.features);
  const nameStart = writer.length + 2;
  writer.str(request.clientName);
  checkCount('size of the client name in bytes', writer.length - nameStart, 0, CLIENT_NAME_BYTES_MAX);
  checkCount('size of the credentials in bytes', request.credentials.length, 0, CREDENTIALS_BYTES_MAX);
  writer.u16(request.credentials.length);
  writer.append(request.credentials);
}

/**
 * Reads a handshake. The versions are looked at before anything that another version may have changed.
 *
 * @throws {KLaniError} `Protocol` when it is no handshake, `VersionUnsupported` when no version is in common, `InvalidArgument` when name
 *   or credentials are too long, `InvalidUtf8`
 */
export function decodeHandshakeRequest(reader: ByteReader): HandshakeRequest {
  const magic = reader.u32();
  if (magic !== HANDSHAKE_MAGIC) {
    throw new KLaniError('Protocol', `Cannot shake hands: magic is ${hex(magic)}, must be ${hex(HANDSHAKE_MAGIC)}`);
  }
  const versionMin = reader.u16();
  const versionMax = reader.u16();
  agreedVersion({ versionMin, versionMax });
  const features = reader.u32();
  const nameStart = reader.offset + 2;
  const clientName = reader.str();
  checkCount('size of the client name in bytes', reader.offset - nameStart, 0, CLIENT_NAME_BYTES_MAX);
  const credentialsSize = reader.u16();
  checkCount('size of the credentials in bytes', credentialsSize, 0, CREDENTIALS_BYTES_MAX);
  const credentials = reader.copy(credentialsSize);
  reader.expectEnd();
  return { versionMin, versionMax, features, clientName, credentials };
}

/**
 * The newest version that a client and this code both speak.
 *
 * @throws {KLaniError} `VersionUnsupported` when there is none
 */
export function agreedVersion({ versionMin, versionMax }: { readonly versionMin: number; readonly versionMax: number }): number {
  if (versionMin <= PROTOCOL_VERSION && versionMax >= PROTOCOL_VERSION) return PROTOCOL_VERSION;
  throw new KLaniError(
    'VersionUnsupported',
    `Cannot shake hands: the client speaks protocol versions ${versionMin} to ${versionMax}, the server ${PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`,
  );
}

export function encodeHandshakeAnswer(writer: ByteWriter, answer: HandshakeAnswer): void {
  writer.u16(answer.version);
  writer.u32(answer.features);
  writer.u64(answer.sessionId);
  writer.append(answer.databaseId, 0, DATABASE_ID_SIZE);
  writer.u32(answer.epoch);
  writer.u32(answer.maxFrameBytes);
  writer.u32(answer.maxResponseRows);
  writer.u32(answer.maxResponseBytes);
  writer.u32(answer.lockLeaseMsMax);
  writer.u32(answer.maxInFlight);
  writer.str(answer.serverVersion);
  writer.str(answer.durability);
}

/** @throws {KLaniError} `Protocol` when it breaks the layout or names a version or durability that this code does not know */
export function decodeHandshakeAnswer(reader: ByteReader): HandshakeAnswer {
  const version = reader.u16();
  if (version !== PROTOCOL_VERSION) {
    throw new KLaniError('Protocol', `Cannot shake hands: the server answers version ${version}, must be ${PROTOCOL_VERSION}`);
  }
  const answer: HandshakeAnswer = {
    version,
    features: reader.u32(),
    sessionId: reader.u64(),
    databaseId: reader.copy(DATABASE_ID_SIZE),
    epoch: reader.u32(),
    maxFrameBytes: reader.u32(),
    maxResponseRows: reader.u32(),
    maxResponseBytes: reader.u32(),
    lockLeaseMsMax: reader.u32(),
    maxInFlight: reader.u32(),
    serverVersion: reader.str(),
    durability: durabilityOf(reader.str()),
  };
  reader.expectEnd();
  return answer;
}

function durabilityOf(name: string): Durability {
  if (name === 'fsync' || name === 'os') return name;
  throw new KLaniError('Protocol', `Cannot shake hands: durability is ${JSON.stringify(name.slice(0, 40))}, must be "fsync" or "os"`);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
