/** Backup, restore and verify, each run as a user runs it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import { jsonLines, runCommand, startServer, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

const YAML = 'table: seats\nversion: 1\nfields:\n  - { name: seat_no, type: uint32, index: unique }\n';
const SMALL = ['--segment-size-bytes', '65536'];

/** A server with some seats, on segments of 64 KiB. */
async function serving(context: TestContext) {
  const parent = temporaryDirectory(context);
  const data = join(parent, 'data');
  const server = await startServer(context, data, SMALL);
  const env = { K_LANI_CONNECT: server.address };
  const append = async (from: number, count: number): Promise<void> => {
    const input = Array.from({ length: count }, (_, index) => JSON.stringify({ seat_no: from + index })).join('\n');
    assert.equal((await runCommand(['append', 'seats', '-'], { env, input })).code, 0);
  };
  assert.equal((await runCommand(['table', 'create', '-'], { env, input: YAML })).code, 0);
  await append(1, 1000);
  return { parent, data, server, append };
}

async function resultOf(words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCommand([...words, '--json']);
  assert.equal(code, 0, stderr);
  return jsonLines(stdout)[0] ?? {};
}

async function countIn(directory: string): Promise<unknown> {
  return (await resultOf(['query', 'seats', '--count', '--data', directory]))['count'];
}

test('a running server is backed up, further backups copy what is new, and each restores to what it held', async (context) => {
  const { parent, data, server, append } = await serving(context);
  const to = join(parent, 'backup');
  const first = await resultOf(['backup', '--data', data, '--to', to, '--connect', server.address]);
  assert.deepEqual([first['isRunning'], first['segmentsHeld']], [true, 0]);
  await append(5000, 1000);
  const second = await resultOf(['backup', '--data', data, '--to', to, '--connect', server.address]);
  assert.ok(Number(second['segmentsHeld']) >= 1 && Number(second['bytesCopied']) > 0);
  const verified = await resultOf(['verify', '--data', to, '--anchor', String(first['anchor'])]);
  assert.deepEqual([verified['anchorGiven'], verified['anchor']], ['matches', second['anchor']]);
  await resultOf(['restore', '--from', to, '--to', join(parent, 'all')]);
  assert.equal(await countIn(join(parent, 'all')), 2000);
  const then = await resultOf(['restore', '--from', to, '--to', join(parent, 'then'), '--lsn', String(first['lsnLast'])]);
  assert.equal((then['kept'] as { lsnLast: number }).lsnLast, first['lsnLast']);
  assert.equal(await countIn(join(parent, 'then')), 1000);
  const running = await resultOf(['verify', data, '--anchor', String(second['anchor'])]);
  assert.deepEqual([running['isRunning'], running['anchorGiven']], [true, 'matches']);
});

test('a backup as a tar stream is the same as a file and restores; one cut short is refused', async (context) => {
  const { parent, data, server } = await serving(context);
  server.child.kill('SIGTERM');
  await server.ended;
  const [file, to] = [join(parent, 'backup.tar'), join(parent, 'restored')];
  const report = await resultOf(['backup', '--data', data, '--to', file]);
  assert.deepEqual([report['isRunning'], report['target']], [false, file]);
  assert.deepEqual(readdirSync(parent).toSorted(), ['backup.tar', 'data']);
  const told = await runCommand(['restore', '--from', file, '--to', to]);
  assert.match(told.stdout, /^restored +\d+ batches, 1,0\d\d records/m);
  assert.deepEqual((await resultOf(['verify', to]))['anchor'], report['anchor']);
  assert.equal(await countIn(to), 1000);
  const bytes = readFileSync(file);
  for (const length of [bytes.length - 1024, bytes.length - 5000, 70_000, 0]) {
    const [short, none] = [join(parent, `short-${length}.tar`), join(parent, `none-${length}`)];
    writeFileSync(short, bytes.subarray(0, length));
    const refused = await runCommand(['restore', '--from', short, '--to', none]);
    assert.equal(refused.code, ExitCode.damaged, `${length}: ${refused.stderr}`);
    assert.match(refused.stderr, /^k-lani: Damaged 0115: .*no whole tar archive.*\n$/);
    assert.deepEqual(readdirSync(none), ['lock']);
  }
});

test('verify reads checkpoints too, and takes a damaged one for a cache that is lost', async (context) => {
  const data = join(temporaryDirectory(context), 'data');
  const database = await openDatabase(data, { segmentSizeBytes: 65_536, checkpointBytes: 65_536 });
  const table = await database.table(defineTable({ table: 'seats', fields: { note: { type: 'fixed_string', length: 200 } } }));
  for (let round = 0; database.stats().checkpoint.built === 0; round += 1) {
    await database.batch((batch) => {
      for (let row = 0; row < 100; row += 1) batch.append(table, { note: `note ${round}` });
    });
  }
  await database.close();
  const whole = (await resultOf(['verify', data]))['checkpoints'] as { name: string; fault?: string }[];
  assert.ok(whole.length >= 1 && whole.every(({ fault }) => fault === undefined), JSON.stringify(whole));
  const file = join(data, whole[0]?.name ?? '');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const { code, stdout } = await runCommand(['verify', data]);
  assert.equal(code, 0);
  assert.match(stdout, /\.checkpoint is not whole: .*A checkpoint is a cache/);
});

test('backup and restore refuse what would destroy something, or cannot be right', async (context) => {
  const { parent, data, server } = await serving(context);
  const full = join(parent, 'full');
  await resultOf(['backup', '--data', data, '--to', full, '--connect', server.address]);
  const other = await startServer(context, join(parent, 'other'));
  const refused: [readonly string[], number, RegExp][] = [
    [['restore', '--from', full, '--to', data], ExitCode.usage, /not empty/],
    [['restore', '--from', data, '--to', join(parent, 'new')], ExitCode.notNow, /DirectoryLocked/],
    [['restore', '--from', full, '--to', join(parent, 'new'), '--time', 'yesterday'], ExitCode.usage, /a time with its zone/],
    [['restore', '--from', full, '--to', join(parent, 'new'), '--lsn', '7'], ExitCode.usage, /backup begins at lsn/],
    [['restore', '--from', join(parent, 'nothing'), '--to', join(parent, 'new')], ExitCode.notFound, /NotFound/],
    [['backup', '--data', data, '--to', parent], ExitCode.usage, /is no part of a backup/],
    [['backup', '--data', join(parent, 'nothing'), '--to', full], ExitCode.notFound, /there is no database/],
    [['backup', '--data', data, '--to', full, '--connect', other.address], ExitCode.usage, /has another database open/],
    [['verify', data, '--anchor', '1:2'], ExitCode.usage, /must be lsn:hash/],
    [['verify'], ExitCode.usage, /no directory is given/],
  ];
  for (const [words, code, message] of refused) {
    const ended = await runCommand(words);
    assert.match(ended.stderr, message);
    assert.equal(ended.code, code, words.join(' '));
  }
  assert.equal(existsSync(join(parent, 'nothing')), false);
});
