import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from '../bytes-reader.ts';
import { ByteWriter } from '../bytes-writer.ts';
import { KLaniError, type ErrorCode } from '../errors.ts';
import {
  decodeHandshakeAnswer,
  decodeHandshakeRequest,
  encodeHandshakeAnswer,
  encodeHandshakeRequest,
  type HandshakeAnswer,
  type HandshakeRequest,
} from './handshake.ts';

const REQUEST: HandshakeRequest = { versionMin: 1, versionMax: 1, features: 0, clientName: 'box', credentials: new Uint8Array(0) };
const ANSWER: HandshakeAnswer = {
  version: 1,
  features: 0,
  sessionId: 1n,
  databaseId: new Uint8Array(16),
  epoch: 1,
  maxFrameBytes: 1,
  maxResponseRows: 1,
  maxResponseBytes: 1,
  lockLeaseMsMax: 1,
  maxInFlight: 1,
  serverVersion: '0.1.0',
  durability: 'os',
};

function readerOf(writer: ByteWriter): ByteReader {
  return new ByteReader(writer.bytes, writer.view, 0, writer.length, 'payload');
}

function request(given: Partial<HandshakeRequest>): ByteReader {
  const writer = new ByteWriter();
  encodeHandshakeRequest(writer, { ...REQUEST, ...given });
  return readerOf(writer);
}

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

test('decodeHandshakeRequest() refuses what does not begin with the magic', () => {
  const bytes = new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n');
  const reader = new ByteReader(bytes, new DataView(bytes.buffer), 0, bytes.length);
  assert.throws(() => decodeHandshakeRequest(reader), refusal('Protocol', /magic is 0x20544547, must be 0x494e4c4b/));
});

test('decodeHandshakeRequest() refuses versions that have none in common, whatever follows them', () => {
  const reader = request({ versionMin: 2, versionMax: 7 });
  reader.end -= 5;
  assert.throws(() => decodeHandshakeRequest(reader), refusal('VersionUnsupported', /versions 2 to 7, the server 1 to 1/));
  assert.throws(() => decodeHandshakeRequest(request({ versionMin: 0, versionMax: 0 })), refusal('VersionUnsupported', /0 to 0/));
});

test('decodeHandshakeRequest() takes a client that also speaks newer versions', () => {
  assert.equal(decodeHandshakeRequest(request({ versionMax: 9 })).versionMax, 9);
});

test('a client name of more than 64 bytes is refused by both sides', () => {
  assert.throws(() => request({ clientName: 'é'.repeat(33) }), refusal('InvalidArgument', /client name in bytes is 66, .* 0 to 64/));
  const reader = request({ clientName: 'x'.repeat(64) });
  const bytes = new Uint8Array(200);
  bytes.set(reader.bytes.subarray(0, reader.end));
  bytes[12] = 65;
  const longer = new ByteReader(bytes, new DataView(bytes.buffer), 0, bytes.length);
  assert.throws(() => decodeHandshakeRequest(longer), refusal('InvalidArgument', /client name in bytes is 65/));
});

test('credentials above their limit are refused by both sides', () => {
  const credentials = new Uint8Array(16_385);
  assert.throws(() => request({ credentials }), refusal('InvalidArgument', /credentials in bytes is 16385, .* 0 to 16384/));
});

test('decodeHandshakeAnswer() refuses a version and a durability that it does not know', () => {
  const writer = new ByteWriter();
  encodeHandshakeAnswer(writer, { ...ANSWER, version: 2 });
  assert.throws(() => decodeHandshakeAnswer(readerOf(writer)), refusal('Protocol', /answers version 2, must be 1/));
  writer.reset();
  encodeHandshakeAnswer(writer, ANSWER);
  writer.bytes[writer.length - 1] = 0x78;
  assert.throws(() => decodeHandshakeAnswer(readerOf(writer)), refusal('Protocol', /durability is "ox"/));
});
