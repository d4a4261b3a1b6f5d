import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { isRunning, withDescendants } from './run/processes.ts';
import { readRawLog } from './run/raw-log.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

/** The command as a process. */
interface Running {
  readonly pid: number;
  /** Resolves when it has said so on its standard error. */
  said(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>;
}

function start(words: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    pid: child.pid ?? 0,
    said: async (text) => {
      while (!stderr.includes(text)) await once(child.stderr, 'data');
    },
    signal: (name) => void child.kill(name),
    ended: once(child, 'close').then(([code]) => ({ code, stdout, stderr })),
  };
}

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-compare-test-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('a run prints its tables, and keeps them and the raw log where it is told to', async (context) => {
  const directory = scratch(context);
  const [log, kept] = [join(directory, 'log.ndjson'), join(directory, 'kept')];
  const words = ['--systems', 'k-lani', '--scenarios', 'concert-claim-8', '--small', '--log', log, '--write', kept];
  const { code, stdout, stderr } = await start(words).ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\| k-lani +\| command, 8 connections +\|/);
  assert.match(stdout, /\| our client against an echo server, claims over 8 connections, by requests +\|/);
  assert.equal(readFileSync(join(kept, 'compare.md'), 'utf8'), stdout);
  assert.deepEqual(readFileSync(join(kept, 'compare.ndjson')), readFileSync(log));
  assert.equal((await start(['--tables', log]).ended).stdout, stdout);
});

test('an interrupted run ends with 130, leaves no process and no data, and keeps its raw log', async (context) => {
  const directory = scratch(context);
  const [log, data] = [join(directory, 'log.ndjson'), join(directory, 'data')];
  const running = start(['--systems', 'k-lani', '--scenarios', 'hot-claim', '--rounds', '100', '--log', log, '--data', data]);
  await running.said('round 1/100');
  const processes = withDescendants(running.pid);
  assert(processes.length >= 3, `${processes.length} processes, must be the command, the server and the driver`);
  running.signal('SIGINT');
  const { code } = await running.ended;
  assert.equal(code, 130);
  assert.deepEqual(
    processes.filter((pid) => isRunning(pid)),
    [],
  );
  assert(!existsSync(data));
  const last = readRawLog(log).at(-1);
  assert(last?.kind === 'end');
  assert.equal(last.value.state, 'interrupted');
});

test('a wrong option ends with 2 and one line that says what is wrong', async () => {
  const { code, stdout, stderr } = await start(['--rounds', 'many']).ended;
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.equal(stderr, 'Cannot compare: --rounds is many, must be a whole number, 1 to 100\n');
});
