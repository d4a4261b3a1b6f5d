/** For tests: a log in a temporary directory, and records whose bodies are told by the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, type Scheduler, SeededRandom, assert } from '@k-lani/base';
import type { Directory } from '../io/io.ts';
import { NodeClock } from '../io/node-clock.ts';
import { Log } from './log.ts';
import { writeManifestNow } from './manifest.ts';
import { RECORD_HEADER_SIZE, RecordKind, RecordOffset, recordSize, type Operation } from './record.ts';
import { peekSegments, startOf } from './recovery.ts';

/** Bytes of a segment: the fewest that it may have. */
export const SEGMENT = 64 * 1024;

const operation: Operation = {
  id: new Uint8Array(16).fill(7),
  digestChecksum: 1,
  digestLength: 2,
  opcode: 0x40,
  actor: new TextEncoder().encode('box-office'),
};

const draft = {
  kind: RecordKind.append,
  tableId: 1,
  version: 1,
  rowId: 1,
  previous: 0,
  tokenLow: 0,
  tokenHigh: 0,
  schemaVersion: 1,
  line: 0,
  last: true,
};

/** One for all openings: no two segments have the same salt. */
const random = new SeededRandom(1);

/** A directory that is removed after the test. */
export function temporaryDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-log-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Opens the log of a directory, or makes it there. */
export function openLog(directory: Directory, clock: Clock & Scheduler = new NodeClock()): Promise<Log> {
  return Log.open({
    directory,
    clock,
    scheduler: clock,
    random,
    durability: 'fsync',
    readOnly: false,
    segmentSizeBytes: SEGMENT,
    onDurable: () => undefined,
    onFailed: () => undefined,
  });
}

/** Appends one record; its position, once durable. */
export async function appendRecord(log: Log, body: string | Uint8Array): Promise<number> {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  log.reserve(recordSize(bytes.length, operation.actor.length));
  const at = log.begin(draft, operation, bytes.length);
  log.target.bytes.set(bytes, at);
  const position = log.finish();
  return new Promise((resolve, reject) => {
    log.whenDurable(position, (error) => (error === undefined ? resolve(position) : reject(error)));
  });
}

/** The body of the record at `position`. */
export function bodyAt(log: Log, position: number): string {
  const at = log.record(position);
  const length = log.view.getUint32(at + RecordOffset.bodyLength, true);
  return new TextDecoder().decode(log.bytes.slice(at + RECORD_HEADER_SIZE, at + RECORD_HEADER_SIZE + length));
}

/** Makes the log of a directory begin with segment 2, and rely on what lies before `reliedEnd`. */
export function giveUpFirst(directory: Directory, reliedEnd: number): void {
  const header = peekSegments(directory, 1).find(({ index }) => index === 2)?.header;
  const start = header === undefined ? undefined : startOf(header);
  assert(header !== undefined && start !== undefined, 'Segment 2 has begun');
  writeManifestNow(directory, { databaseId: header.databaseId, firstSegment: 2, start, schemas: [], reliedEnd, isArchive: false });
}
