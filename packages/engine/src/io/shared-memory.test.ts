import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AssertionError } from '@k-lani/base';
import { DirectoryLock } from './directory-lock.ts';
import type { MemoryPlace } from './io.ts';
import { NodeSharing } from './shared-memory.ts';

const CHUNK_SIZE_BYTES = 1 << 20;
const isLinux = process.platform === 'linux';
const options = { skip: isLinux ? false : 'memory is shared on Linux alone' };

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-memory-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function mapped(): number {
  return readFileSync('/proc/self/maps', 'latin1').split('memfd:k-lani').length - 1;
}

function open(): number {
  return readdirSync('/proc/self/fd').length;
}

test('SharedMemory grows by chunks of zeros, which whoever opened it sees and both read and write', options, (context) => {
  const sharing = new NodeSharing(folder(context));
  const before = { mapped: mapped(), open: open() };
  const memory = sharing.create('one', CHUNK_SIZE_BYTES);
  const reader = sharing.open(memory.place, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' });
  const writer = sharing.open(memory.place, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'write' });
  assert.equal(reader.chunk(0), undefined);
  for (let index = 0; index < 3; index += 1) {
    const words = new Uint32Array(memory.addChunk());
    assert.ok(words.length === CHUNK_SIZE_BYTES / 4 && words.every((word) => word === 0));
    const read = new Uint32Array(reader.chunk(index) ?? new ArrayBuffer(0));
    words[7] = 5;
    assert.equal(read[7], 5);
    new Uint32Array(writer.chunk(index) ?? new ArrayBuffer(0))[8] = 6;
    assert.equal(words[8], 6);
  }
  assert.equal(reader.chunk(3), undefined);
  for (const user of [memory, reader, writer, memory, reader]) user.close();
  assert.throws(() => memory.addChunk(), AssertionError);
  assert.throws(() => reader.chunk(0), AssertionError);
  assert.deepEqual({ mapped: mapped(), open: open() }, before, 'nothing is left');
});

test('SharedMemory outlives its maker where it is mapped, and its buffers are empty once they are closed', options, (context) => {
  const sharing = new NodeSharing(folder(context));
  const memory = sharing.create('one', CHUNK_SIZE_BYTES);
  const own = new Uint32Array(memory.addChunk()).fill(3);
  const reader = sharing.open(memory.place, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' });
  const read = new Uint32Array(reader.chunk(0) ?? new ArrayBuffer(0));
  const { place } = memory;
  memory.close();
  assert.equal(own.length, 0);
  assert.equal(read[100], 3);
  assert.throws(() => sharing.open(place, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' }), { code: 'NotFound' });
  reader.close();
  assert.equal(read.length, 0);
});

test(
  'MemorySharing.find() finds memory by name, of the directory that was meant and of none that was copied from it',
  options,
  (context) => {
    const path = folder(context);
    const sharing = new NodeSharing(path);
    assert.throws(() => sharing.find('one'), { code: 'NotFound', message: /it was never opened$/ });
    const lock = DirectoryLock.acquire(join(path, 'lock'));
    const memories = ['one', 'two', 'one'].map((name) => sharing.create(name, CHUNK_SIZE_BYTES));
    const found = [memories[0]?.place, memories[2]?.place].toSorted((a, b) => (a?.descriptor ?? 0) - (b?.descriptor ?? 0));
    assert.deepEqual(
      sharing.find('one').toSorted((a, b) => a.descriptor - b.descriptor),
      found,
    );
    assert.deepEqual(sharing.find('three'), []);
    const copy = folder(context);
    cpSync(path, copy, { recursive: true });
    assert.deepEqual(new NodeSharing(copy).find('one'), []);
    for (const memory of memories) memory.close();
    assert.deepEqual(sharing.find('one'), []);
    lock.release();
  },
);

test('MemorySharing.find() says so when the lock file names nobody, or somebody who is gone', options, async (context) => {
  const path = folder(context);
  const sharing = new NodeSharing(path);
  const child = spawn('true');
  await once(child, 'exit');
  writeFileSync(join(path, 'lock'), `${String(child.pid).padEnd(15)}\n`);
  assert.throws(() => sharing.find('one'), { code: 'NotFound', message: new RegExp(`process ${child.pid}, which .* is gone$`) });
  for (const text of ['', 'garbage\n', '-1\n', '0\n', `${'9'.repeat(40)}\n`, '\0\0\0\n']) {
    writeFileSync(join(path, 'lock'), text);
    assert.throws(() => sharing.find('one'), { code: 'NotFound' }, JSON.stringify(text));
  }
});

test(
  'SharedMemoryView.isOwned() is true until the process that made the memory has ended or closed it, reaped or not',
  options,
  async (context) => {
    const path = folder(context);
    const sharing = new NodeSharing(path);
    const memory = sharing.create('one', CHUNK_SIZE_BYTES);
    const own = sharing.open(memory.place, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' });
    assert.equal(own.isOwned(), true);
    const { descriptor } = memory.place;
    memory.close();
    assert.equal(own.isOwned(), false);
    const other = sharing.create('one', CHUNK_SIZE_BYTES);
    const opened = sharing.open(other.place, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' });
    assert.match(readlinkSync(`/proc/self/fd/${descriptor}`), /memfd:k-lani/, 'the number of the descriptor is used again');
    assert.equal(own.isOwned(), false);
    opened.close();
    other.close();
    own.close();
    const child = spawn(process.execPath, ['--input-type=module', '-e', makerProgram(path)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [place] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const view = sharing.open(JSON.parse(place) as MemoryPlace, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' });
    assert.equal(view.isOwned(), true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(view.isOwned(), false);
    view.close();
  },
);

/** Makes memory, tells where, and stays. */
function makerProgram(path: string): string {
  return `
    import { NodeSharing } from ${JSON.stringify(new URL('./shared-memory.ts', import.meta.url).href)};
    const memory = new NodeSharing(${JSON.stringify(path)}).create('one', ${CHUNK_SIZE_BYTES});
    memory.addChunk();
    process.stdout.write(JSON.stringify(memory.place));
    setInterval(() => memory.place, 1e9);
  `;
}
