import assert from 'node:assert/strict';
import test from 'node:test';
import { Chance } from './chance.ts';
import { SimProcess } from './sim-process.ts';
import { Timeline } from './timeline.ts';

function timelineOf(lines: string[]): Timeline {
  return new Timeline({ trace: (line) => lines.push(line), onThrown: (error) => assert.fail(String(error)) });
}

function processOf(timeline: Timeline, name = 'one'): SimProcess {
  return new SimProcess(name, timeline, new Chance(1));
}

test('Timeline.run() lets events happen in the order of their times, those of one time as they were planned', async () => {
  const timeline = timelineOf([]);
  const process = processOf(timeline);
  const happened: number[] = [];
  for (const [place, delayMs] of [5, 1, 3, 1, 0].entries()) process.plan(delayMs, 'event', () => happened.push(place));
  assert.equal(await timeline.run(() => happened.length === 5), true);
  assert.deepEqual(happened, [4, 1, 3, 2, 0]);
  assert.equal(timeline.nowMs, 5);
});

test('Timeline.run() follows the promises of an event before the next one', async () => {
  const timeline = timelineOf([]);
  const process = processOf(timeline);
  const happened: string[] = [];
  process.plan(1, 'first', () => {
    void (async () => {
      for (let depth = 0; depth < 20; depth += 1) await Promise.resolve();
      happened.push('first');
    })();
  });
  process.plan(1, 'second', () => happened.push('second'));
  await timeline.run(() => happened.length === 2);
  assert.deepEqual(happened, ['first', 'second']);
});

test('Timeline.run() says that nothing is left to happen', async () => {
  const timeline = timelineOf([]);
  processOf(timeline).plan(1, 'only', () => undefined);
  assert.equal(await timeline.run(() => false), false);
});

test('A process that was killed has no more events, and one that is paused has them later, in their order', async () => {
  const timeline = timelineOf([]);
  const [killed, paused, other] = [processOf(timeline, 'killed'), processOf(timeline, 'paused'), processOf(timeline, 'other')];
  const happened: string[] = [];
  killed.plan(2, 'event', () => happened.push('killed'));
  paused.plan(3, 'event', () => happened.push('paused, second'));
  paused.plan(2, 'event', () => happened.push('paused, first'));
  other.plan(1, 'event', () => {
    killed.kill();
    paused.pause(100);
  });
  other.plan(5, 'event', () => happened.push('other'));
  await timeline.run(() => happened.length === 3);
  assert.deepEqual(happened, ['other', 'paused, first', 'paused, second']);
  assert.equal(timeline.nowMs, 101);
});

test('What an event of somebody alive throws is told; what it throws after its own end is not', async () => {
  const thrown: string[] = [];
  const timeline = new Timeline({ trace: undefined, onThrown: (_error, label) => thrown.push(label) });
  const [alive, dying] = [processOf(timeline, 'alive'), processOf(timeline, 'dying')];
  const fail = (): never => {
    throw new Error('a bug');
  };
  alive.plan(1, 'fails', fail);
  dying.plan(2, 'fails', () => {
    dying.kill();
    fail();
  });
  await timeline.run(() => false);
  assert.deepEqual(thrown, ['alive: fails']);
});
