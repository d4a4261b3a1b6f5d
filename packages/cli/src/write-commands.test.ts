/** The commands that change rows, each run as a user runs it, on a server and directly on a directory. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Ended, jsonLines, runCommand, startServer, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

const YAML = `
table: seats
version: 1
fields:
  - { name: rank, type: uint32, index: non_unique }
  - { name: is_booked, type: bool, index: non_unique, default: false }
  - { name: buyer, type: fixed_string, length: 16, required: false }
`;
const ID = '5e1f00000000000000000000000000a1';

type Run = (...words: readonly string[]) => Promise<Ended>;

/** Runs commands on a database with the table of seats. */
async function madeStore(context: TestContext, where: string): Promise<Run> {
  const directory = join(temporaryDirectory(context), 'data');
  const place = where === 'on a server' ? ['--connect', (await startServer(context, directory)).address] : ['--data', directory];
  assert.equal((await runCommand(['table', 'create', '-', ...place], { input: YAML })).code, 0);
  return (...words) => runCommand([...words, ...place, '--json']);
}

for (const where of ['on a server', 'on a directory']) {
  test(`rows are claimed, replaced and deleted ${where}, and a repeated command is carried out once`, async (context) => {
    const run = await madeStore(context, where);
    for (const rank of [1, 2, 2]) await run('append', 'seats', `rank=${rank}`);
    const once = await run('append', 'seats', 'rank=9', '--operation-id', ID);
    assert.deepEqual(jsonLines((await run('append', 'seats', 'rank=9', '--operation-id', ID)).stdout), jsonLines(once.stdout));
    const status = jsonLines((await run('operation', ID)).stdout)[0];
    assert.deepEqual([status?.['state'], status?.['changes']], ['done', [{ table: 'seats', rowId: 4, version: 1 }]]);
    const claimed = await run('claim', 'seats', 'rank=2', 'is_booked=false', '--count', '2', '--set', 'is_booked=true', 'buyer=ada');
    assert.deepEqual(jsonLines(claimed.stdout)[0]?.['rows'], [
      { rowId: 2, version: 2 },
      { rowId: 3, version: 2 },
    ]);
    const soldOut = await run('claim', 'seats', 'rank=2', 'is_booked=false', '--set', 'is_booked=true');
    assert.deepEqual([soldOut.code, soldOut.stdout], [ExitCode.failed, '']);
    assert.match(soldOut.stderr, /"NoneAvailable"/);
    assert.deepEqual(jsonLines((await run('replace', 'seats', '1', 'rank=7', '--if-version', '1')).stdout)[0]?.['version'], 2);
    const stale = await run('replace', 'seats', '1', '{"rank": 8}', '--if-version', '1');
    assert.deepEqual(
      [stale.code, jsonLines(stale.stderr)[0]?.['error']],
      [ExitCode.notNow, { ...(jsonLines(stale.stderr)[0]?.['error'] as object), code: 'VersionMismatch' }],
    );
    assert.deepEqual(jsonLines((await run('delete', 'seats', '1', '--if-version', '2')).stdout)[0]?.['version'], 3);
    assert.equal((await run('seek', 'seats', '1')).code, ExitCode.notFound);
    const row = jsonLines((await run('seek', 'seats', '2')).stdout)[0]?.['row'];
    assert.deepEqual(row, { rank: 2, is_booked: true, buyer: 'ada' });
  });

  test(`an operation that is not known, a mistyped table and a bad row id are told plainly ${where}`, async (context) => {
    const run = await madeStore(context, where);
    const unknown = await run('operation', ID);
    assert.deepEqual([unknown.code, jsonLines(unknown.stdout)], [ExitCode.notFound, [{ state: 'unknown' }]]);
    const mistyped = await run('seek', 'seat', '1');
    assert.equal(mistyped.code, ExitCode.notFound);
    assert.match(mistyped.stderr, /UnknownTable.*did you mean seats\?/);
    assert.doesNotMatch((await run('seek', 'customers', '1')).stderr, /did you mean/);
    const bad = await run('seek', 'seats', 'one');
    assert.equal(bad.code, ExitCode.usage);
    assert.match(bad.stderr, /Cannot read row id: it is \\"one\\", must be an integer from 1 to 4294967294/);
    const both = await run('query', 'seats', '--all', '--limit', '3');
    assert.deepEqual([both.code, both.stdout], [ExitCode.usage, '']);
    assert.match(both.stderr, /--limit and --all exclude each other/);
    assert.equal((await run('append', 'seats', '-', '--operation-id', ID)).code, ExitCode.usage);
  });
}

test('commands that only read change no file of a directory', async (context) => {
  const directory = join(temporaryDirectory(context), 'data');
  await runCommand(['table', 'create', '-', '--data', directory], { input: YAML });
  await runCommand(['append', 'seats', 'rank=1', '--data', directory]);
  const files = (): Map<string, string> => {
    const names = readdirSync(directory).filter((name) => name !== 'lock');
    return new Map(names.map((name) => [name, readFileSync(join(directory, name)).toString('base64')]));
  };
  const before = files();
  const reads = [['seek', 'seats', '1'], ['query', 'seats'], ['history', 'seats', '1'], ['table', 'show', 'seats'], ['stats']];
  for (const words of reads) {
    const { code, stderr } = await runCommand([...words, '--data', directory]);
    assert.deepEqual([code, stderr], [0, ''], words.join(' '));
  }
  assert.ok([...files()].every(([name, text]) => before.get(name) === text));
  assert.equal(files().size, before.size);
});
