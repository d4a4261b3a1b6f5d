import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { ManualTimers, turnsPass } from '../io/manual-timers.fixture.ts';
import { BATCH_HEADER_SIZE } from './batch.ts';
import { SEGMENT, appendRecord, bodyAt, openLog, temporaryDirectory } from './log.fixture.ts';
import { SEGMENT_HEADER_SIZE } from './segment.ts';

/** Two records of this many bytes fill a segment. */
const BODY_SIZE = 30_000;
const DISK_FULL = new KLaniError('DiskFull', 'Cannot fill: the disk is full');

/** The position of the first record of segment 2. */
const IN_NEXT_SEGMENT = 2 * SEGMENT + SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE;

/** What has become of a write so far. */
interface Fate {
  answer: number | KLaniError | undefined;
  readonly settled: Promise<void>;
}

function fateOf(write: Promise<number>): Fate {
  const note = (answer: unknown): void => {
    assert.ok(typeof answer === 'number' || answer instanceof KLaniError, String(answer));
    fate.answer = answer;
  };
  const fate: Fate = { answer: undefined, settled: write.then(note, note) };
  return fate;
}

function assertUnknown({ answer }: Fate): void {
  assert.ok(answer instanceof KLaniError, `Answer is ${answer}`);
  assert.equal(answer.code, 'OutcomeUnknown');
}

/** A log with a full first segment, whose second one waits to be filled. */
async function fullSegment(context: TestContext) {
  const path = temporaryDirectory(context);
  const io = new FaultyIo();
  const timers = new ManualTimers();
  const directory = io.openDirectory(path, { create: true });
  const log = await openLog(directory, timers);
  io.fills.isShut = true;
  const kept = [await append('first', log), await append('second', log)];
  context.after(() => {
    log.close();
    directory.close();
  });
  const reopened = async (): Promise<string[]> => {
    log.close();
    io.fills.isShut = false;
    io.syncs.isShut = false;
    const again = await openLog(directory, timers);
    const found: string[] = [];
    again.replay((position) => found.push(bodyAt(again, position).trimEnd()));
    again.close();
    return found;
  };
  return { io, timers, log, kept, reopened, filling: await io.fills.next() };
}

function append(name: string, log: Parameters<typeof appendRecord>[0]): Promise<number> {
  return appendRecord(log, name.padEnd(BODY_SIZE));
}

test('GroupCommit answers a write that waits for a segment when there is room again, though nobody else writes', async (context) => {
  const { io, timers, log, reopened, filling } = await fullSegment(context);
  const waiting = fateOf(append('waiting', log));
  await turnsPass();
  filling.fail(DISK_FULL);
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await turnsPass();
    assert.equal(waiting.answer, undefined);
    assert.equal(timers.count, 1);
    timers.fire();
    const again = await io.fills.next();
    assert.throws(() => log.reserve(200), { code: 'DiskFull', retry: 'safe' });
    if (attempt < 3) again.fail(DISK_FULL);
    else again.release();
  }
  await waiting.settled;
  assert.equal(waiting.answer, IN_NEXT_SEGMENT);
  assert.equal(timers.count, 0);
  await append('after', log);
  assert.deepEqual(await reopened(), ['first', 'second', 'waiting', 'after']);
});

test('GroupCommit.drain() gives up a write whose segment has found no room', async (context) => {
  const { timers, log, kept, reopened, filling } = await fullSegment(context);
  const waiting = fateOf(append('waiting', log));
  await turnsPass();
  filling.fail(DISK_FULL);
  await log.drain();
  await waiting.settled;
  assertUnknown(waiting);
  assert.equal(log.failure?.code, 'WriterFailed');
  assert.throws(() => log.reserve(200), { code: 'WriterFailed' });
  assert.equal(bodyAt(log, kept[1] ?? 0).trimEnd(), 'second');
  await log.drain();
  log.close();
  timers.fire();
  assert.deepEqual(await reopened(), ['first', 'second']);
});

for (const hasRoom of [true, false]) {
  const outcome = hasRoom ? 'answers' : 'gives up';
  test(`GroupCommit.drain() waits for a segment that is being filled, and then ${outcome} what needs it`, async (context) => {
    const { log, reopened, filling } = await fullSegment(context);
    const waiting = fateOf(append('waiting', log));
    await turnsPass();
    const drained = log.drain();
    assert.equal(await Promise.race([drained, turnsPass().then(() => 'waits')]), 'waits');
    if (hasRoom) filling.release();
    else filling.fail(DISK_FULL);
    await drained;
    await waiting.settled;
    if (hasRoom) assert.equal(waiting.answer, IN_NEXT_SEGMENT);
    else assertUnknown(waiting);
    assert.deepEqual(await reopened(), ['first', 'second', ...(hasRoom ? ['waiting'] : [])]);
  });
}

test('GroupCommit.drain() waits for the sync in flight and everything behind it, and for nothing when there is nothing', async (context) => {
  const { io, log, filling } = await fullSegment(context);
  await log.drain();
  filling.release();
  io.syncs.isShut = true;
  const inFlight = fateOf(append('in flight', log));
  const sync = await io.syncs.next();
  const behind = fateOf(append('behind', log));
  const end = log.appended;
  const drained = log.drain().then(() => log.durable);
  io.syncs.isShut = false;
  sync.release();
  assert.equal(await drained, end);
  await Promise.all([inFlight.settled, behind.settled]);
  assert.equal(inFlight.answer, IN_NEXT_SEGMENT);
  assert.equal(typeof behind.answer, 'number');
});

for (const where of ['the present segment', 'a new segment'] as const) {
  test(`GroupCommit reads a batch that could not be written to ${where} from memory`, async (context) => {
    const { io, log, kept, filling } = await fullSegment(context);
    filling.release();
    const body = where === 'a new segment' ? 'lost'.padEnd(BODY_SIZE) : 'lost';
    const position = where === 'a new segment' ? IN_NEXT_SEGMENT : log.appended + BATCH_HEADER_SIZE;
    io.writeError = new KLaniError('Io', 'Cannot write: EIO');
    const lost = fateOf(appendRecord(log, body));
    await lost.settled;
    assertUnknown(lost);
    assert.equal(bodyAt(log, position), body);
    assert.equal(bodyAt(log, kept[0] ?? 0).trimEnd(), 'first');
    assert.throws(() => log.reserve(200), { code: 'WriterFailed', message: /EIO/ });
  });
}

test('GroupCommit.drain() gives up what comes to wait for room only after the call', async (context) => {
  const { log, filling } = await fullSegment(context);
  const waiting = fateOf(append('waiting', log));
  const drained = log.drain();
  await turnsPass();
  filling.fail(DISK_FULL);
  assert.notEqual(await Promise.race([drained, turnsPass().then(() => 'waits')]), 'waits');
  await waiting.settled;
  assertUnknown(waiting);
});

test('GroupCommit.drain() gives up what waits behind the sync in flight for a segment that finds no room', async (context) => {
  const { io, log, filling } = await fullSegment(context);
  io.syncs.isShut = true;
  const inFlight = fateOf(appendRecord(log, 'small'));
  const sync = await io.syncs.next();
  const behind = fateOf(append('behind', log));
  const drained = log.drain();
  filling.fail(DISK_FULL);
  sync.release();
  assert.notEqual(await Promise.race([drained, turnsPass().then(() => 'waits')]), 'waits');
  await Promise.all([inFlight.settled, behind.settled]);
  assert.equal(typeof inFlight.answer, 'number');
  assertUnknown(behind);
});
