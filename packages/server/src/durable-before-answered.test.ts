/**
 * The system calls of a real server, traced: no answer to a write, and no refusal or read that depends on one, is handed to a socket before
 * the `fdatasync` that it depends on has returned. The same check has to find that it is so under the durability mode `os`, which does not sync:
 * a check that cannot fail shows nothing.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import {
  decodeChangeAnswer,
  decodeClaimAnswer,
  decodeHandshakeAnswer,
  decodeLockAnswer,
  decodeSeekAnswer,
  ERRORS,
  FrameParser,
  Opcode,
} from '@k-lani/protocol';
import { Answer, IO_THREADS, seat, SEATS, temporaryDirectory, WireClient } from './wire-client.test.ts';

/** Small, because the zeros that a segment is filled with are in the trace too; everything fits into the first one. */
const SEGMENT_SIZE_BYTES = 256 * 1024;
const ROUNDS = 10;

/** Named here and not where it is called: it is a tool of the system, not of a package. */
const TRACER = 'strace';
/** All threads; a call that is not looked at does not stop the server. */
const TRACER_OPTIONS = ['-f', '--seccomp-bpf'];
const TRACED = 'fdatasync,fsync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg';

/** A frame that must not be sent before what is at this position of the log is synced. */
interface Expectation {
  readonly sessionId: bigint;
  readonly requestId: number;
  readonly lsn: number;
}

/** Bytes written to a file, or a sync of it; `begin` and `end` are places in the trace. */
interface FileCall {
  readonly fd: number;
  readonly begin: number;
  readonly end: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** An answer as it was handed to a socket. */
interface SentFrame {
  readonly fd: number;
  readonly begin: number;
  readonly answer: Answer;
}

interface Trace {
  readonly writes: readonly FileCall[];
  readonly syncs: readonly FileCall[];
  readonly sent: readonly SentFrame[];
}

function readTrace(text: string): Trace {
  const writes: FileCall[] = [];
  const syncs: FileCall[] = [];
  const parsers = new Map<number, FrameParser>();
  const sent: SentFrame[] = [];
  const unfinished = new Map<string, { begin: number; rest: string }>();
  for (const [place, line] of text.split('\n').entries()) {
    const [, pid = '', call] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (call === undefined) continue;
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(call);
    const start = resumed === null ? { begin: place, rest: call } : unfinished.get(`${pid} ${resumed[1]}`);
    if (start === undefined) continue;
    const rest = resumed === null ? call : start.rest + (resumed[2] ?? '');
    const name = /^(\w+)\(/.exec(rest)?.[1] ?? '';
    // What is sent is out of our hands as soon as the call has begun.
    if (resumed === null && ['write', 'writev', 'sendto', 'sendmsg'].includes(name)) addFrames(rest, place, parsers, sent);
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(`${pid} ${name}`, { begin: place, rest: rest.replace(/ *<unfinished \.\.\.>$/, '') });
      continue;
    }
    addFileCall(rest, { begin: start.begin, end: place }, { writes, syncs });
  }
  return { writes, syncs, sent };
}

function addFileCall(
  call: string,
  place: { begin: number; end: number },
  { writes, syncs }: { writes: FileCall[]; syncs: FileCall[] },
): void {
  const write = /^pwrite64\((\d+), "[^"]*"(?:\.\.\.)?, \d+, (\d+)\) += (\d+)/.exec(call);
  if (write !== null) writes.push({ fd: Number(write[1]), ...place, offset: Number(write[2]), sizeBytes: Number(write[3]) });
  const sync = /^(?:fdatasync|fsync)\((\d+)\) += 0/.exec(call);
  if (sync !== null) syncs.push({ fd: Number(sync[1]), ...place, offset: 0, sizeBytes: 0 });
}

function addFrames(call: string, begin: number, parsers: Map<number, FrameParser>, sent: SentFrame[]): void {
  const fd = Number(/^\w+\((\d+),/.exec(call)?.[1]);
  const bytes = call.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g).map(([, hex = '']) => Buffer.from(hex.replaceAll('\\x', ''), 'hex'));
  const chunk = Buffer.concat(bytes.toArray());
  // Other than sockets: standard output, and the wake-ups between threads.
  if (fd <= 2 || (!parsers.has(fd) && !(chunk.length > 16 && chunk[4] === Opcode.Handshake && chunk[5] === 1))) return;
  const parser = parsers.get(fd) ?? new FrameParser({ direction: 'answers' });
  parsers.set(fd, parser);
  parser.push(new Uint8Array(chunk));
  while (parser.next()) sent.push({ fd, begin, answer: new Answer(parser) });
}

/** Those of the expectations that the trace does not bear out, in words. */
function breachesOf({ writes, syncs, sent }: Trace, expectations: readonly Expectation[]): string[] {
  const sessions = new Map(
    sent
      .filter(({ answer }) => answer.opcode === Opcode.Handshake)
      .map(({ fd, answer }) => [fd, answer.read(decodeHandshakeAnswer).sessionId]),
  );
  const frames = new Map(sent.map(({ fd, begin, answer }) => [`${sessions.get(fd)}/${answer.requestId}`, begin]));
  return expectations.flatMap(({ sessionId, requestId, lsn }) => {
    const name = `answer ${requestId} of session ${sessionId}`;
    const sentAt = frames.get(`${sessionId}/${requestId}`);
    if (sentAt === undefined) return [`${name} was not seen`];
    const offset = lsn % SEGMENT_SIZE_BYTES;
    // A batch lies behind its segment's header; what is written from offset 0 on is the filling of a segment.
    const write = writes.find((one) => one.offset <= offset && offset < one.offset + one.sizeBytes && one.offset > 0);
    if (write === undefined) return [`the write that ${name} depends on was not seen`];
    const isSynced = syncs.some(({ fd, begin, end }) => fd === write.fd && begin > write.end && end < sentAt);
    return isSynced ? [] : [`${name} was sent before lsn ${lsn} was synced`];
  });
}

/** Serves under strace, does many things at once, and returns the trace with what must hold in it. */
async function traced(context: TestContext, durability: 'fsync' | 'os') {
  const directory = temporaryDirectory(context);
  const path = join(directory, 'trace');
  const config = {
    data: join(directory, 'data'),
    listen: ['tcp://127.0.0.1:0'],
    segmentSizeBytes: SEGMENT_SIZE_BYTES,
    durability,
    ioThreads: IO_THREADS,
    logLevel: 'silent',
  };
  const script = `
    import { startServer } from ${JSON.stringify(import.meta.resolve('./server.ts'))};
    const server = await startServer(${JSON.stringify(config)});
    console.log(server.addresses[0]);
    process.stdin.on('end', () => server.close()).resume();`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const server = spawn(TRACER, [...TRACER_OPTIONS, '-xx', '-s', '1000000', '-e', `trace=${TRACED}`, '-o', path, ...node], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  context.after(() => server.kill('SIGKILL'));
  const [address] = (await once(createInterface(server.stdout), 'line')) as [string];
  const expectations = await stampede(address);
  server.stdin.end();
  await once(server, 'close');
  return { trace: readTrace(readFileSync(path, 'utf8')), expectations };
}

/** Four clients that write, claim, collide and read under locks, all at once. */
async function stampede(address: string): Promise<Expectation[]> {
  const clients = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const client = await WireClient.connect(address);
      await client.greet('stampede');
      return { client, table: await client.create(SEATS) };
    }),
  );
  const expectations: Expectation[] = [];
  const expect = ({ client }: (typeof clients)[number], { requestId }: Answer, lsn: number): void => {
    expectations.push({ sessionId: client.handshake?.sessionId ?? 0n, requestId, lsn });
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    // All append the same seat: one wins, the others are refused because of it.
    const appends = await Promise.all(clients.map(async (one) => ({ one, answer: await one.client.append(one.table, seat(round + 1)) })));
    const lsn = appends.find(({ answer }) => answer.status === 0)?.answer.read(decodeChangeAnswer).lsn ?? assert.fail('One append wins');
    for (const { one, answer } of appends) expect(one, answer, lsn);
    assert.equal(appends.filter(({ answer }) => answer.code === 'DuplicateKey').length, clients.length - 1);
    // All claim the one free seat.
    const line = { where: [{ field: 'is_booked', eq: 0 }] as const, set: { is_booked: 1 }, count: 1 };
    const claims = await Promise.all(clients.map(async (one) => ({ one, answer: await one.client.claim(one.table, [line]) })));
    const sold = claims.find(({ answer }) => answer.status === 0)?.answer.read((reader) => decodeClaimAnswer(reader, false)).lsn;
    for (const { one, answer } of claims) expect(one, answer, sold ?? assert.fail('One claim wins'));
    assert.equal(claims.filter(({ answer }) => answer.status === ERRORS.NoneAvailable.number).length, clients.length - 1);
    await changeUnderLock(clients[round % 4] ?? assert.fail('There are four clients'), round + 1, expect);
  }
  for (const { client } of clients) client.close();
  return expectations;
}

/** Locks a row, changes it, reads it under the lock before the change is durable, and gives the lock back. */
async function changeUnderLock<C extends { client: WireClient; table: Awaited<ReturnType<WireClient['create']>> }>(
  one: C,
  rowId: number,
  expect: (one: C, answer: Answer, lsn: number) => void,
): Promise<void> {
  const { client, table } = one;
  const lock = (await client.lock(table, rowId)).read(decodeLockAnswer);
  const changing = client.replace(table, { rowId, ...lock, ifVersion: 0 }, seat(rowId, { is_booked: 1, buyer: 'Ada' }));
  const reading = client.seek(table, rowId);
  const [replaced, read] = await Promise.all([changing, reading]);
  const { lsn } = replaced.read(decodeChangeAnswer);
  assert.equal(read.read(decodeSeekAnswer).lsn, lsn);
  expect(one, replaced, lsn);
  expect(one, read, lsn);
  assert.equal((await client.unlock(table, rowId, lock)).status, 0);
}

/** Why this machine cannot trace, if it cannot. */
function noTrace(): string | false {
  const probe = spawnSync(TRACER, [...TRACER_OPTIONS, '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (probe.error !== undefined) return 'strace is not installed';
  return probe.status === 0 ? false : `strace may not trace here: ${probe.stderr.trim()}`;
}

test('No answer leaves the process before the sync that it depends on has returned', { skip: noTrace() }, async (context) => {
  const { trace, expectations } = await traced(context, 'fsync');
  assert.ok(expectations.length >= ROUNDS * 10);
  assert.deepEqual(breachesOf(trace, expectations), []);
});

test('The check of the trace notices a server that does not sync', { skip: noTrace() }, async (context) => {
  const { trace, expectations } = await traced(context, 'os');
  const breaches = breachesOf(trace, expectations);
  assert.equal(breaches.length, expectations.length);
  for (const breach of breaches) assert.match(breach, /was sent before lsn \d+ was synced/);
});
