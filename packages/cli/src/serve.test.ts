import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { defineTable, KLaniError } from '@k-lani/protocol';
import { connect } from 'k-lani-client';
import { jsonLines, runCommand, startCommand, startServer, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

const seats = defineTable({ table: 'seats', fields: { seat_no: { type: 'uint32', index: 'unique' } } });

test('serve --json tells where it listens and, after SIGTERM, that it stopped in good order', async (context) => {
  const directory = join(temporaryDirectory(context), 'data');
  const { child, ended } = await startServer(context, directory);
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  assert.equal(code, ExitCode.done);
  const [listening, stopping, stopped] = jsonLines(stdout);
  assert.deepEqual(
    { ...listening, listening: undefined },
    {
      event: 'listening',
      listening: undefined,
      pid: child.pid,
      data: directory,
      durability: 'fsync',
    },
  );
  assert.match(String(listening?.['listening']), /^tcp:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual([stopping, stopped], [{ event: 'stopping', signal: 'SIGTERM' }, { event: 'stopped' }]);
  for (const line of jsonLines(stderr)) assert.equal(typeof line['msg'], 'string');
});

test('serve listens on a Unix socket and takes its configuration from file, environment and flags, in this order', async (context) => {
  const directory = temporaryDirectory(context);
  const socket = join(directory, 's');
  const file = join(directory, 'k-lani.yaml');
  writeFileSync(file, `data: ${join(directory, 'from-file')}\nlisten: [tcp://127.0.0.1:1]\ndurability: os\nmaxConnections: 3\n`);
  const { child, ended, nextLine } = startCommand(context, ['serve', '--config', file, '--data', join(directory, 'from-flag'), '--json'], {
    env: { K_LANI_LISTEN: `unix:${socket}`, K_LANI_DATA: join(directory, 'from-environment'), K_LANI_CONNECT: 'tcp://other:1' },
  });
  const { listening, durability } = JSON.parse(await nextLine()) as { listening: string[]; durability: string };
  assert.deepEqual(listening, [`unix:${socket}`]);
  assert.equal(durability, 'os');
  assert.equal(existsSync(join(directory, 'from-flag')), true);
  const { stdout } = await runCommand(['stats', '--connect', `unix:${socket}`, '--json']);
  assert.equal(jsonLines(stdout)[0]?.['path'], join(directory, 'from-flag'));
  child.kill('SIGINT');
  assert.equal((await ended).code, ExitCode.done);
});

test('serve finishes the writes that are in flight when SIGTERM comes: every one that was answered is there, and the log is closed', (context) =>
  endsInGoodOrder(context, '0'));

test('with I/O threads, serve ends in good order too', (context) => endsInGoodOrder(context, '2'));

test('a second signal ends serve at once, although a client does not let go', async (context) => {
  const { address, child, ended, nextLine } = await startServer(context, temporaryDirectory(context));
  const { hostname: host, port } = new URL(address);
  const stubborn = createConnection({ host, port: Number(port), allowHalfOpen: true });
  context.after(() => stubborn.destroy());
  await once(stubborn, 'connect');
  // Connections are taken in their order: when this one is served, the one before has been taken.
  await (await connect(address)).close();
  child.kill('SIGTERM');
  assert.deepEqual(JSON.parse(await nextLine()), { event: 'stopping', signal: 'SIGTERM' });
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  assert.equal(code, ExitCode.terminated);
  assert.ok(!stdout.includes('stopped'), stdout);
});

test('serve refuses a port in use before it touches the directory', async (context) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  context.after(() => other.close());
  const bound = other.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  const directory = join(temporaryDirectory(context), 'data');
  const { code, stdout, stderr } = await runCommand(['serve', '--data', directory, '--listen', `tcp://127.0.0.1:${bound.port}`]);
  assert.equal(code, ExitCode.notNow);
  assert.match(stderr, new RegExp(`^k-lani: AddressInUse 0118: .*:${bound.port}.*Choose another one, or stop that process\\.\\n$`));
  assert.equal(stdout, '');
  assert.equal(existsSync(directory), false);
});

test('serve refuses a directory that another server has open, and names that process', async (context) => {
  const directory = temporaryDirectory(context);
  const first = await startServer(context, directory);
  const { code, stderr } = await runCommand(['serve', '--data', directory, '--listen', 'tcp://127.0.0.1:0', '--json']);
  assert.equal(code, ExitCode.notNow);
  const [failure] = jsonLines(stderr) as { error: { code: string; message: string; retry: string } }[];
  assert.equal(failure?.error.code, 'DirectoryLocked');
  assert.equal(failure.error.retry, 'safe');
  assert.ok(failure.error.message.includes(`process ${first.child.pid}`), failure.error.message);
});

test('serve refuses a configuration that is wrong, with the key, its value and what is allowed', async (context) => {
  const directory = temporaryDirectory(context);
  const file = join(directory, 'k-lani.yaml');
  writeFileSync(file, 'maxConections: 3\n');
  const wrong: [readonly string[], Record<string, string>, RegExp, number][] = [
    [['--max-connections', 'many'], {}, /maxConnections \(--max-connections\) is "many", must be 1 to 65536/, ExitCode.usage],
    [[], { K_LANI_DURABILITY: 'often' }, /durability \(K_LANI_DURABILITY\) is "often", must be fsync, os/, ExitCode.usage],
    [['--config', file], {}, /key maxConections of .* is not known, must be one of data, listen/, ExitCode.usage],
    [['--config', join(directory, 'none.yaml')], {}, /none\.yaml/, ExitCode.usage],
    [['--listen', 'localhost:7700'], {}, /"localhost:7700": must be tcp:\/\/HOST:PORT or unix:\/PATH/, ExitCode.usage],
  ];
  const data = join(directory, 'data');
  const results = await Promise.all(wrong.map(([words, env]) => runCommand(['serve', '--data', data, ...words], { env })));
  for (const [index, { code, stderr }] of results.entries()) {
    const [, , message, expected] = wrong[index] ?? [[], {}, /never/, 0];
    assert.match(stderr, message);
    assert.match(stderr, /^k-lani: .*\n$/);
    assert.equal(code, expected);
  }
  assert.equal(existsSync(data), false);
});

test('verify counts what it checked, and ends with exit code 3, file and offset when a bit is flipped', async (context) => {
  const directory = temporaryDirectory(context);
  const database = await openDatabase(directory, { segmentSizeBytes: 65_536 });
  const table = await database.table(seats);
  for (let seatNo = 1; seatNo <= 20; seatNo += 1) await table.append({ seat_no: seatNo });
  await database.close();
  const whole = await runCommand(['verify', directory]);
  assert.equal(whole.code, ExitCode.done);
  // The mark of the opening, the schema, the rows and the mark of the end.
  assert.match(whole.stdout, /^records +23$/m);
  assert.match(whole.stdout, /^head hash +[0-9a-f]{64}$/m);
  assert.match(whole.stdout, /^ended +in good order$/m);
  const [segment = ''] = readdirSync(directory).filter((name) => name.endsWith('.segment'));
  const path = join(directory, segment);
  const bytes = readFileSync(path);
  bytes[2000] = (bytes[2000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const damaged = await runCommand(['verify', directory]);
  assert.equal(damaged.code, ExitCode.damaged);
  assert.match(damaged.stderr, /^k-lani: Damaged 0115: .*0000000001\.segment: damaged at offset \d+: .*\n$/);
  const served = await runCommand(['serve', '--data', directory, '--listen', 'tcp://127.0.0.1:0', '--json']);
  assert.equal(served.code, ExitCode.damaged);
  assert.match(served.stderr, /^\{"error":\{"code":"Damaged","number":115,/);
});

/** Sends SIGTERM to a server while 64 writers write. */
async function endsInGoodOrder(context: TestContext, ioThreads: string): Promise<void> {
  const directory = join(temporaryDirectory(context), 'data');
  const { address, child, ended } = await startServer(context, directory, ['--io-threads', ioThreads]);
  const client = await connect(address, { timeoutMs: 1000 });
  const table = await client.table(seats);
  const answered: number[] = [];
  const firstAnswers = Promise.withResolvers<void>();
  const write = async (worker: number): Promise<void> => {
    for (let round = 0; ; round += 1) {
      const seatNo = round * 64 + worker;
      await table.append({ seat_no: seatNo });
      answered.push(seatNo);
      if (answered.length === 200) firstAnswers.resolve();
    }
  };
  const writers = Array.from({ length: 64 }, (_, worker) => write(worker));
  await firstAnswers.promise;
  child.kill('SIGTERM');
  for (const outcome of await Promise.allSettled(writers)) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof KLaniError, 'a writer ends with a coded error');
  }
  assert.equal((await ended).code, ExitCode.done);
  await client.close();
  const report = await runCommand(['verify', directory, '--json']);
  assert.equal(jsonLines(report.stdout)[0]?.['isClosed'], true);
  await using database = await openDatabase(directory);
  const stored = new Set([...(await database.table(seats)).scan()].map(({ row }) => row.seat_no));
  assert.deepEqual(
    answered.filter((seatNo) => !stored.has(seatNo)),
    [],
  );
  assert.ok(stored.size - answered.length <= 64, 'no more rows are unanswered than requests were in flight');
}
