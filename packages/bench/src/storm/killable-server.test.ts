import assert from 'node:assert/strict';
import test from 'node:test';
import { KillableServer } from './killable-server.ts';
import type { ServerOptions, ServerProcess } from './server-process.ts';

const OPTIONS: ServerOptions = { directory: '/data', listen: 'tcp://127.0.0.1:0', durability: 'fsync' };

/** Processes that do nothing but end, and the addresses they were started on. */
class Processes {
  readonly listened: string[] = [];
  readonly events: string[] = [];
  end: (how: string) => void = () => {};

  readonly spawn = async ({ listen }: ServerOptions): Promise<ServerProcess> => {
    this.listened.push(listen);
    const ended = new Promise<string>((resolve) => {
      this.end = resolve;
    });
    const finish = (how: string) => async (): Promise<void> => {
      this.events.push(how);
      this.end(how);
    };
    return {
      address: 'tcp://127.0.0.1:7',
      pid: 0,
      ended,
      signal: (name) => void this.events.push(name),
      kill: finish('killed'),
      stop: finish('stopped'),
    };
  };
}

test('KillableServer.killAndRestart() starts the next process on the port that the first one got', async () => {
  const processes = new Processes();
  const server = await KillableServer.start(processes.spawn, OPTIONS);
  const restart = server.killAndRestart();
  assert.deepEqual([processes.events, server.isDown], [['killed'], true]);
  await restart;
  assert.equal(server.isDown, false);
  assert.deepEqual(processes.listened, ['tcp://127.0.0.1:0', 'tcp://127.0.0.1:7']);
});

test('KillableServer.whileThere() gives the result of the work, through a kill', async () => {
  const processes = new Processes();
  const server = await KillableServer.start(processes.spawn, OPTIONS);
  const work = server.whileThere(server.killAndRestart().then(() => 42));
  assert.equal(await work, 42);
});

test('KillableServer.whileThere() does not wait for work when the server ended by itself', async () => {
  const processes = new Processes();
  const server = await KillableServer.start(processes.spawn, OPTIONS);
  const work = server.whileThere(new Promise(() => {}));
  processes.end('ended with exit code 1');
  await assert.rejects(work, { message: 'the server ended with exit code 1, and nobody had ended it' });
});

test('KillableServer.whileThere() does not wait for work when the server does not come back', async () => {
  const processes = new Processes();
  let starts = 0;
  const spawn = (options: ServerOptions): Promise<ServerProcess> => {
    starts += 1;
    return starts === 1 ? processes.spawn(options) : Promise.reject(new Error('the port is taken'));
  };
  const server = await KillableServer.start(spawn, OPTIONS);
  const work = server.whileThere(new Promise(() => {}));
  await assert.rejects(server.killAndRestart(), /the port is taken/);
  await assert.rejects(work, /the port is taken/);
});

test('KillableServer.killAndRestart() lets the process close for a while before it is killed, and says which of both ended it', async () => {
  const processes = new Processes();
  const server = await KillableServer.start(processes.spawn, OPTIONS);
  const killed = server.killAndRestart({ closingMs: 1 });
  assert.deepEqual(processes.events, ['SIGTERM']);
  assert.equal((await killed).wasKilled, true);
  assert.deepEqual(processes.events.splice(0), ['SIGTERM', 'killed']);
  const closed = server.killAndRestart({ closingMs: 60_000 });
  processes.end('ended with exit code 0');
  assert.equal((await closed).wasKilled, false);
  assert.deepEqual(processes.events, ['SIGTERM']);
});

test('KillableServer.killAndRestart() kills starts before they listen, and counts those that died starting', async () => {
  const processes = new Processes();
  const spawn = (options: ServerOptions): Promise<ServerProcess> =>
    options.signal?.aborted === true ? Promise.reject(new Error('it was killed')) : processes.spawn(options);
  const server = await KillableServer.start(spawn, OPTIONS);
  const { diedStarting } = await server.killAndRestart({ deathsInStart: [() => AbortSignal.abort(), () => new AbortController().signal] });
  assert.equal(diedStarting, 1);
  assert.deepEqual(processes.events, ['killed', 'killed'], 'the first process, and the start that lived');
  assert.equal(server.isDown, false);
});

test('KillableServer.killAndRestart() gives the time between two processes away, and can try a start in it', async () => {
  const processes = new Processes();
  let isFull = false;
  const spawn = (options: ServerOptions): Promise<ServerProcess> =>
    isFull ? Promise.reject(new Error('DiskFull')) : processes.spawn(options);
  const server = await KillableServer.start(spawn, OPTIONS);
  const reasons: (string | undefined)[] = [];
  await server.killAndRestart({
    meanwhile: async (tryStart) => {
      reasons.push(await tryStart());
      isFull = true;
      reasons.push(await tryStart());
      isFull = false;
    },
  });
  assert.deepEqual(reasons, [undefined, 'DiskFull']);
  assert.equal(server.isDown, false);
});

test('KillableServer.pauseWhile() lets the process go on when the work is done, or has failed', async () => {
  const processes = new Processes();
  const server = await KillableServer.start(processes.spawn, OPTIONS);
  await server.pauseWhile(async () => processes.events.push('work'));
  await assert.rejects(
    server.pauseWhile(() => Promise.reject(new Error('no work'))),
    /no work/,
  );
  assert.deepEqual(processes.events, ['SIGSTOP', 'work', 'SIGCONT', 'SIGSTOP', 'SIGCONT']);
});

test('KillableServer.stop() waits for the leave-taking, but not with a server that is over', async () => {
  const processes = new Processes();
  const server = await KillableServer.start(processes.spawn, OPTIONS);
  await server.stop(async () => processes.events.push('good-bye'));
  await server.stop(() => new Promise(() => processes.events.push('no answer')));
  assert.deepEqual(processes.events, ['good-bye', 'stopped', 'no answer', 'stopped']);
});
