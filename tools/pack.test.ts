/** What a user gets: the tarballs, installed into an empty folder with the pinned Node beside them and nothing of this repository on PATH. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE_VERSION_MIN = 24;

const PROGRAM = `
import { defineTable, openDatabase } from 'k-lani';

const seats = defineTable({ table: 'seats', fields: { rank: { type: 'uint32', index: 'non_unique' } } });
const db = await openDatabase('./tickets');
const table = await db.table(seats);
const { rowId } = await table.append({ rank: 1 });
const found = table.seek(rowId);
console.log((found?.row.rank ?? 0) + rowId);
await db.close();
`;

const CHECKPOINT_PROGRAM = `
import { setTimeout } from 'node:timers/promises';
import { defineTable, openDatabase } from 'k-lani';

const seats = defineTable({ table: 'seats', fields: { rank: { type: 'uint32', index: 'non_unique' } } });
const options = { segmentSizeBytes: 65536, checkpointBytes: 65536, operationWindow: 16 };
const first = await openDatabase('./checkpoints', options);
const table = await first.table(seats);
for (let row = 0; row < 300; row += 1) await table.append({ rank: row % 3 });
await first.checkpoint();
await first.batch((batch) => { for (let row = 0; row < 300; row += 1) batch.delete(table, row + 1, { ifVersion: 1 }); });
await first.batch((batch) => { for (let row = 0; row < 300; row += 1) batch.append(table, { rank: 9 }); });
await first.checkpoint();
while (first.stats().checkpoint.isBuilding) await setTimeout(10);
const { built, failure } = first.stats().checkpoint;
await first.close();
if (failure !== undefined) throw new Error(failure);
const again = await openDatabase('./checkpoints', options);
const { openedFrom } = again.stats().checkpoint;
console.log(\`built \${built}, opened from \${openedFrom}, \${(await again.table(seats)).count()} rows\`);
await again.close();
`;

const { version, pinned } = readVersions();
const scratch = mkdtempSync(join(tmpdir(), 'k-lani-pack-'));
const home = join(scratch, 'home');
const tarballs = join(scratch, 'tarballs');

before(() => {
  mkdirSync(home);
  mkdirSync(tarballs);
  run(process.execPath, ['tools/build.ts'], ROOT);
  for (const name of ['k-lani', 'k-lani-client']) run('npm', ['pack', '--pack-destination', tarballs], join(ROOT, 'dist', name));
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, allowScripts: { koffi: true, node: true } }));
  run('npm', ['install', '--no-audit', '--no-fund', ...files, `node@${pinned}`], home);
});

after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

test('the tarballs hold compiled files, their licence and the inner packages, and no tests', () => {
  const client = listTarball(`k-lani-client-${version}.tgz`);
  const command = listTarball(`k-lani-${version}.tgz`);
  for (const files of [client, command]) {
    assert.ok(files.includes('package/LICENSE'));
    assert.ok(files.includes('package/src/mod.js'));
    assert.ok(files.includes('package/src/mod.d.ts'));
    assert.ok(files.includes('package/node_modules/@k-lani/protocol/src/mod.js'));
    assert.deepEqual(
      files.filter((file) => /(?<!\.d)\.ts$|\.test\./.test(file)),
      [],
    );
  }
  assert.ok(command.includes('package/bin/k-lani.js'));
  assert.ok(!client.some((file) => file.includes('@k-lani/engine')));
});

test('the installed command prints its version', () => {
  assert.equal(run('k-lani', ['--version'], home).trim(), version);
});

test('a program of ten lines opens a database, appends a row and reads it back', () => {
  writeFileSync(join(home, 'program.mts'), PROGRAM);
  assert.equal(run('node', ['program.mts'], home), '2\n');
});

test('the installed package builds checkpoints in its thread, and opens from them', () => {
  writeFileSync(join(home, 'checkpoint.mts'), CHECKPOINT_PROGRAM);
  assert.match(run('node', ['checkpoint.mts'], home), /^built [1-9]\d*, opened from [1-9]\d*, 300 rows\n$/);
});

// Declarations name Node's own types, as those of any library for Node do: users have @types/node.
test('the same program passes the type checker against the installed declarations', () => {
  writeFileSync(join(home, 'program.mts'), PROGRAM);
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
  const options = [...types, '--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext'];
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...options, 'program.mts'], { cwd: home, encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});

test('the installed command runs a small concert through the installed server and client, killed on the way', () => {
  const words = [
    'bench',
    'concert',
    '--users',
    '400',
    '--seats',
    '100',
    '--workers',
    '16',
    '--connections',
    '4',
    '--kill',
    '--out',
    'concert',
  ];
  assert.match(run('k-lani', words, home), /thundering_herd_done .* verified_sold=100 double_sold=0 lost=0 /);
});

test('the command tells a Node that is too old what it needs, and fails', () => {
  const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });`;
  const shim = join(home, 'node_modules', 'k-lani', 'bin', 'k-lani.js');
  const { status, stderr } = spawnSync('node', ['--import', `data:text/javascript,${encodeURIComponent(older)}`, shim, '--version'], {
    cwd: home,
    env: userEnvironment(home),
    encoding: 'utf8',
  });
  assert.match(stderr, new RegExp(`k-lani needs Node ${NODE_VERSION_MIN} or newer: this is Node 20\\.20\\.2`));
  assert.equal(status, 1);
});

function readVersions(): { version: string; pinned: string } {
  const { version: own, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
    devDependencies: { node: string };
  };
  return { version: own, pinned: devDependencies.node };
}

function run(command: string, given: readonly string[], cwd: string): string {
  return execFileSync(command, given, { cwd, env: userEnvironment(cwd), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The environment without what `npm run` adds to it, and with what a shell of the user has in `cwd`. */
function userEnvironment(cwd: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?:package|lifecycle|config_local_prefix)|^INIT_CWD$|^NODE_(?:OPTIONS|TEST)/.test(name),
  );
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.startsWith(ROOT));
  return { ...Object.fromEntries(kept), PATH: [join(cwd, 'node_modules', '.bin'), ...path].join(delimiter) };
}

function listTarball(name: string): string[] {
  return execFileSync('tar', ['-tzf', join(tarballs, name)], { encoding: 'utf8' })
    .trim()
    .split('\n');
}
