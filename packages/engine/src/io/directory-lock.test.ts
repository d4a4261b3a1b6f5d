import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
/** One whom the permissions of files bind: they do not bind root. */
const STRANGER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
/** Opens the directory, then tries to lock it at each message, and says how that went. */
const CONTENDER = `
  import { NodeIo } from ${JSON.stringify(NODE_IO)};
  const directory = new NodeIo().openDirectory(process.argv[1], { create: false });
  process.on('message', (access) => {
    try {
      directory.acquireLock(access);
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

test(
  'Directory.acquireLock() to read is refused beside a writer, and keeps one out, where lock may be read and not written',
  { skip },
  async (t) => {
    const root = makeRoot(t);
    const writer = open(root);
    writer.acquireLock();
    chmodSync(root, 0o755);
    chmodSync(join(root, 'lock'), 0o444);
    const [reader, other] = await Promise.all([startContender(t, root, STRANGER), startContender(t, root, STRANGER)]);
    assert.match(await tryLock(reader), /^ReadOnly: /);
    assert.match(await tryLock(reader, 'read'), new RegExp(`^DirectoryLocked: .* process ${process.pid} has it open for writing`));
    writer.close();
    assert.equal(await tryLock(reader, 'read'), 'locked');
    assert.equal(await tryLock(other, 'read'), 'locked');
    chmodSync(join(root, 'lock'), 0o644);
    const next = open(root);
    assert.throws(() => next.acquireLock(), { code: 'DirectoryLocked' });
    await Promise.all([kill(reader), kill(other)]);
    next.acquireLock();
    next.close();
  },
);

test('Directory.acquireLock() to read is ReadOnly where there is no lock file, and Io where it may not be read', { skip }, async (t) => {
  const root = makeRoot(t);
  chmodSync(root, 0o555);
  const reader = await startContender(t, root, STRANGER);
  assert.match(await tryLock(reader, 'read'), /^ReadOnly: /);
  chmodSync(root, 0o755);
  open(root).acquireLock();
  chmodSync(join(root, 'lock'), 0);
  assert.match(await tryLock(reader, 'read'), /^Io: /);
  assert.deepEqual(readdirSync(root), ['lock']);
});

async function startContender(t: TestContext, root: string, user: object = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', CONTENDER, root], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...user,
  });
  t.after(() => kill(child));
  await once(child, 'message');
  return child;
}

async function tryLock(contender: ChildProcess, access: 'write' | 'read' = 'write'): Promise<string> {
  contender.send(access);
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
