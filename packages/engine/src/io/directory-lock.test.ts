import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AssertionError } from '@k-lani/base';
import type { Directory } from './io.ts';
import { mappingAvailable } from './mapping.ts';
import { NodeIo } from './node-io.ts';

// Locks and mappings need the same library.
const skip = mappingAvailable() ? false : 'this platform has no kernel lock';
const NODE_IO = new URL('node-io.ts', import.meta.url).href;
/** Opens the directory, then tries to lock it at each message, and says how that went. */
const CONTENDER = `
  import { NodeIo } from ${JSON.stringify(NODE_IO)};
  const directory = new NodeIo().openDirectory(process.argv[1], { create: false });
  process.on('message', () => {
    try {
      directory.acquireLock();
      process.send('locked');
    } catch (error) {
      process.send(error.code + ': ' + error.message);
    }
  });
  process.send('ready');`;

test('Directory.acquireLock() refuses a second holder in the same process until the first one closes', { skip }, (t) => {
  const root = makeRoot(t);
  const first = open(root);
  const second = open(root);
  first.acquireLock();
  const message = `Cannot lock directory: process ${process.pid} has it open for writing, lock file is ${join(root, 'lock')}`;
  assert.throws(() => second.acquireLock(), { code: 'DirectoryLocked', message });
  assert.throws(() => first.acquireLock(), AssertionError);
  first.close();
  second.acquireLock();
  second.close();
});

test('Directory.acquireLock() takes the lock of a file with any old text in it', { skip }, (t) => {
  const root = makeRoot(t);
  for (const text of ['', '1\n', 'no process id', 'x'.repeat(1000)]) {
    writeFileSync(join(root, 'lock'), text);
    const first = open(root);
    const second = open(root);
    first.acquireLock();
    assert.throws(() => second.acquireLock(), { code: 'DirectoryLocked', message: new RegExp(`: process ${process.pid} has it open`) });
    first.close();
  }
});

test('Directory.acquireLock() names no process where the file holds no process id', { skip }, (t) => {
  const root = makeRoot(t);
  const first = open(root);
  first.acquireLock();
  writeFileSync(join(root, 'lock'), 'no process id');
  assert.throws(() => open(root).acquireLock(), { code: 'DirectoryLocked', message: /: another process has it open/ });
  first.close();
});

test('Of processes that race for the lock one gets it, and the others are told which', { skip }, async (t) => {
  const root = makeRoot(t);
  for (let round = 0; round < 2; round += 1) {
    const contenders = await Promise.all(Array.from({ length: 4 }, () => startContender(t, root)));
    const answers = await Promise.all(contenders.map((contender) => tryLock(contender)));
    const holder = contenders[answers.indexOf('locked')];
    assert.ok(holder !== undefined, answers.join('\n'));
    const refusal = `DirectoryLocked: Cannot lock directory: process ${holder.pid} has it open for writing, lock file is ${join(root, 'lock')}`;
    for (const contender of contenders) {
      if (contender !== holder) assert.equal(answers[contenders.indexOf(contender)], refusal);
    }
    await Promise.all(contenders.map((contender) => kill(contender)));
  }
});

test('The lock of a process that is killed is free at once', { skip }, async (t) => {
  const root = makeRoot(t);
  const holder = await startContender(t, root);
  assert.equal(await tryLock(holder), 'locked');
  const waiting = await startContender(t, root);
  assert.match(await tryLock(waiting), new RegExp(`^DirectoryLocked: .*process ${holder.pid} `));
  await kill(holder);
  assert.equal(await tryLock(waiting), 'locked');
  assert.throws(() => open(root).acquireLock(), { code: 'DirectoryLocked', message: new RegExp(`process ${waiting.pid} `) });
});

async function startContender(t: TestContext, root: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', CONTENDER, root], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.after(() => kill(child));
  await once(child, 'message');
  return child;
}

async function tryLock(contender: ChildProcess): Promise<string> {
  contender.send('lock');
  const [answer]: unknown[] = await once(contender, 'message');
  return String(answer);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function makeRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-lock-'));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}

function open(root: string): Directory {
  return new NodeIo().openDirectory(root, { create: false });
}
