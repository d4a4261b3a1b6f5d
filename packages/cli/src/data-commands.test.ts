/** The data commands, each run as a user runs it, on a server and directly on a directory: the same words give the same answers. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Ended, jsonLines, runCommand, startServer, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

const YAML = `
table: seats
version: 1
owner_field: rank
fields:
  - { name: rank, type: uint32, index: non_unique }
  - { name: seat_no, type: uint32, index: unique }
  - { name: price, type: accounting_numeric, scale: 2, index: ordered }
  - { name: is_booked, type: bool, index: non_unique, default: false }
  - { name: buyer, type: fixed_string, length: 64, required: false }
`;

const YAML_2 = `${YAML.replace('version: 1', 'version: 2')}  - { name: note, type: fixed_string, length: 16, required: false }\n`;

type Run = (words: readonly string[], input?: string) => Promise<Ended>;

/** Runs data commands on a server. */
async function onServer(context: TestContext): Promise<Run> {
  const { address } = await startServer(context, join(temporaryDirectory(context), 'data'));
  const env = { K_LANI_CONNECT: address, K_LANI_ACTOR: 'box-office' };
  return (words, input) => runCommand(words, { env, ...(input === undefined ? {} : { input }) });
}

/** Runs data commands on a directory. */
async function onDirectory(context: TestContext): Promise<Run> {
  const directory = join(temporaryDirectory(context), 'data');
  return (words, input) => runCommand([...words, '--data', directory, '--actor', 'box-office'], input === undefined ? {} : { input });
}

for (const [where, place] of [
  ['on a server', onServer],
  ['on a directory', onDirectory],
] as const) {
  test(`a table is created once, listed, shown and altered ${where}`, async (context) => {
    const run = await place(context);
    const created = await run(['table', 'create', '-'], YAML);
    assert.deepEqual([created.stdout, created.stderr, created.code], ['Created table "seats".\n', '', 0]);
    const again = await run(['table', 'create', '-', '--json'], YAML);
    assert.equal(jsonLines(again.stdout)[0]?.['isCreated'], false);
    const other = await run(['table', 'create', '-'], YAML.replace('scale: 2', 'scale: 3'));
    assert.match(other.stderr, /^k-lani: SchemaMismatch 0131: .*scale.*\n$/);
    assert.equal(other.code, ExitCode.failed);
    assert.match((await run(['table', 'alter', '-'], YAML_2)).stdout, /"seats" has version 2/);
    const listed = await run(['table', 'list', '--json']);
    assert.deepEqual(jsonLines(listed.stdout), [{ tableId: 1, name: 'seats', schemaVersion: 2, liveRows: 0 }]);
    const shown = await run(['table', 'show', 'seats']);
    assert.match(shown.stdout, /^owner field {2}rank$/m);
    assert.match(shown.stdout, /^price +accounting_numeric\(2\) +ordered +yes$/m);
    assert.match(shown.stdout, /^note +fixed_string\(16\) +no$/m);
  });

  test(`rows are appended, found, counted and told ${where}`, async (context) => {
    const run = await place(context);
    await run(['table', 'create', '-'], YAML);
    const first = await run(['append', 'seats', 'rank=1', 'seat_no=1', 'price=10.50', 'buyer=ada', '--json']);
    const [appended] = jsonLines(first.stdout);
    assert.deepEqual([appended?.['rowId'], appended?.['version']], [1, 1]);
    const second = await run(['append', 'seats', '{"rank": 2, "seat_no": 2, "price": "20.00", "is_booked": true}']);
    assert.match(second.stdout, /^Appended row 2 \(lsn \d+\)\.\n$/);
    const [found] = jsonLines((await run(['seek', 'seats', '1', '--json'])).stdout);
    assert.deepEqual(found, {
      ...appended,
      row: { rank: 1, seat_no: 1, price: '10.50', is_booked: false, buyer: 'ada' },
    });
    assert.match((await run(['seek', 'seats', '2'])).stdout, /^row 2 · version 1 · lsn \d+\nrank +2\n/);
    const ids = async (...words: string[]) =>
      jsonLines((await run(['query', 'seats', ...words, '--json'])).stdout).map((row) => row['rowId']);
    assert.deepEqual(await ids('is_booked=false', 'price<=10.50'), [1]);
    assert.deepEqual(await ids('price>10', 'price<30'), [1, 2]);
    assert.deepEqual(await ids('--all'), [1, 2]);
    assert.deepEqual(await ids('--limit', '1'), [1]);
    assert.equal((await run(['query', 'seats', 'rank=2', '--count'])).stdout, '1\n');
    assert.match((await run(['query', 'seats', 'price<30', '--explain'])).stdout, /^driver +ordered$/m);
    const table = await run(['query', 'seats', '--limit', '1']);
    assert.match(table.stdout, /^row {2}rank {2}seat_no +price +is_booked +buyer\n {2}1 +1 +1 +10\.50 +false +ada\n$/);
    assert.match(table.stderr, /^1 of 2 rows/);
    const [version] = jsonLines((await run(['history', 'seats', '1', '--json'])).stdout);
    assert.deepEqual([version?.['change'], version?.['actor'], version?.['lsn']], ['append', 'box-office', appended?.['lsn']]);
    assert.match(String(version?.['operationId']), /^[0-9a-f]{32}$/);
    const [stats] = jsonLines((await run(['stats', '--json'])).stdout);
    assert.equal(stats?.['failure'], undefined);
    const text = await run(['stats']);
    assert.match(text.stdout, /^tables\.seats\.liveRows +2$/m);
    assert.match(text.stdout, /^tables\.seats\.indexes\.rank\.sizeBytes +\d+ \([\d.]+ KiB\)$/m);
  });

  test(`many rows come from standard input, and those that are refused are told by line ${where}`, async (context) => {
    const run = await place(context);
    await run(['table', 'create', '-'], YAML);
    const lines = Array.from({ length: 1300 }, (_, index) => JSON.stringify({ rank: index % 7, seat_no: index + 1, price: '1.00' }));
    lines[600] = lines[599] ?? '';
    lines[700] = '{"rank": "seven"}';
    const { code, stdout, stderr } = await run(['append', 'seats', '-', '--json'], lines.join('\n'));
    assert.equal(code, ExitCode.partly);
    assert.deepEqual(jsonLines(stdout), [{ table: 'seats', appended: 1298, refused: 2, rowIdFirst: 1, rowIdLast: 1298 }]);
    const refusals = jsonLines(stderr).map((line) => line['error'] as { code: string; line: number });
    assert.deepEqual(refusals.map(({ code: error, line }) => [line, error] as const).toSorted(byLine), [
      [601, 'DuplicateKey'],
      [701, 'FieldOutOfRange'],
    ]);
    assert.equal((await run(['query', 'seats', '--count'])).stdout, '1298\n');
    const text = await run(['append', 'seats', '-'], `${lines[700]}\n{"rank": 1, "seat_no": 9001, "price": "2"}\n`);
    assert.match(text.stderr, /^line 1: FieldOutOfRange: /);
    assert.match(text.stdout, /^Appended 1 rows \(row ids \d+ to \d+\), refused 1\.\n$/);
  });
}

test('what is not there ends with exit code 4, and other refusals with 1', async (context) => {
  const run = await onServer(context);
  await run(['table', 'create', '-'], YAML);
  await run(['append', 'seats', 'rank=1', 'seat_no=1', 'price=1']);
  const refused: [readonly string[], number, RegExp][] = [
    [['seek', 'stalls', '1'], ExitCode.notFound, /^k-lani: UnknownTable 0030: .*stalls.*List the tables; create it first\.\n$/],
    [['seek', 'seats', '99'], ExitCode.notFound, /^k-lani: NotFound 0001: .*row 99.*\n$/],
    [['history', 'seats', '99'], ExitCode.notFound, /^k-lani: NotFound 0001: .*row 99.*\n$/],
    [['query', 'seats', 'buyer=ada'], ExitCode.failed, /^k-lani: FieldNotIndexed 0033: .*"buyer".*\n$/],
    [['append', 'seats', 'rank=1', 'seat_no=1', 'price=1'], ExitCode.failed, /^k-lani: DuplicateKey 0106: .*seat_no.*\n$/],
    [
      ['seek', 'seats', '99', '--json'],
      ExitCode.notFound,
      /^\{"error":\{"code":"NotFound","number":1,"message":".*","retry":"never"\}\}\n$/,
    ],
  ];
  const results = await Promise.all(refused.map(([words]) => run(words)));
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    const [words, expected, message] = refused[index] ?? [[], 0, /never/];
    assert.match(stderr, message);
    assert.equal(code, expected, words.join(' '));
    assert.equal(stdout, '');
  }
});

test('a data command without a server says so at once, with exit code 5', async () => {
  const { code, stderr } = await runCommand(['stats', '--connect', 'tcp://127.0.0.1:1']);
  assert.equal(code, ExitCode.notNow);
  assert.match(stderr, /^k-lani: ConnectionLost 0130: .*127\.0\.0\.1:1.*Check that the server runs, then ask again\.\n$/);
});

test('a data command makes no database where there is none', async (context) => {
  const directory = join(temporaryDirectory(context), 'mistyped');
  const { code, stderr } = await runCommand(['table', 'list', '--data', directory]);
  assert.equal(code, ExitCode.notFound);
  assert.match(stderr, /^k-lani: NotFound 0001: Cannot open .*mistyped: there is no database in it\. Check the path;.*\n$/);
  assert.equal(existsSync(directory), false);
});

test('a data command on a directory that a server has open names the process and points to --connect', async (context) => {
  const directory = temporaryDirectory(context);
  const server = await startServer(context, directory);
  const { code, stderr } = await runCommand(['table', 'list', '--data', directory]);
  assert.equal(code, ExitCode.notNow);
  assert.match(stderr, new RegExp(`^k-lani: DirectoryLocked 0114: .*process ${server.child.pid} .*--connect\\.\\n$`));
});

test('a schema file that breaks a rule is refused with its line', async (context) => {
  const directory = temporaryDirectory(context);
  const file = join(directory, 'seats.yaml');
  writeFileSync(file, YAML.replace('uint32', 'uint33'));
  const broken = await runCommand(['table', 'create', file, '--data', join(directory, 'data')]);
  assert.match(broken.stderr, /^k-lani: SchemaValidation 0007: .*"uint33".*line 6.*\n$/);
  const missing = await runCommand(['table', 'create', join(directory, 'nothing.yaml'), '--data', join(directory, 'data')]);
  assert.equal(missing.code, ExitCode.notFound);
  assert.match(missing.stderr, /nothing\.yaml.*Check the path\.\n$/);
  assert.equal(existsSync(join(directory, 'data')), false);
});

test('a stored text that would move the cursor is printed as what it is', async (context) => {
  const directory = join(temporaryDirectory(context), 'data');
  await runCommand(['table', 'create', '-', '--data', directory], { input: YAML });
  await runCommand(['append', 'seats', '{"rank":1,"seat_no":1,"price":"1","buyer":"\\u001b[2Jada"}', '--data', directory]);
  for (const words of [
    ['seek', 'seats', '1'],
    ['query', 'seats'],
    ['history', 'seats', '1'],
  ]) {
    const { stdout } = await runCommand([...words, '--data', directory]);
    assert.ok(stdout.includes('\\u001b[2Jada'), stdout);
    assert.ok(!stdout.includes('\u001b'), stdout);
  }
});

function byLine([left]: readonly [number, string], [right]: readonly [number, string]): number {
  return left - right;
}
