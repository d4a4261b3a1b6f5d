import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { jsonLines, runCommand, startCommand, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

const SMALL = ['--users', '400', '--seats', '60', '--ranks', '3', '--workers', '8', '--connections', '2'];

test('bench concert --kill sells every seat once over a kill, and ends with the line of its figures', async (context) => {
  const out = join(temporaryDirectory(context), 'concert');
  const { code, stdout, stderr } = await runCommand(['bench', 'concert', ...SMALL, '--every-user', '--kill', '--seed', '7', '--out', out]);
  assert.equal(code, ExitCode.done, stderr);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  assert.match(
    last,
    /^thundering_herd_done users=400 seats=60 sold=\d+ verified_sold=60 double_sold=0 lost=0 unknown=\d+ sold_at_kill=[1-9]/,
  );
  assert.match(last, / failed_workers=0 wall_secs=\d+\.\d+$/);
  assert.equal(stderr, '');
  const result = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as { line: string; run: { seed: number; flow: string } };
  assert.equal(result.line, last);
  assert.deepEqual([result.run.seed, result.run.flow], [7, 'loop']);
  assert.match(readFileSync(join(out, 'index.html'), 'utf8'), /^<!doctype html>/i);
});

test('bench holiday --flow claim --json tells its figures as one JSON object', async (context) => {
  const out = join(temporaryDirectory(context), 'holiday');
  const words = ['--sessions', '60', '--hotels', '3', '--rooms-per-hotel', '10', '--workers', '4', '--connections', '2', '--flow', 'claim'];
  const { code, stdout } = await runCommand(['bench', 'holiday', ...words, '--out', out, '--json']);
  assert.equal(code, ExitCode.done);
  const [outcome] = jsonLines(stdout);
  assert.match(String(outcome?.['line']), /^holiday_rush_done sessions=60 rooms=30 booked=30 verified_booked=30 double_booked=0 lost=0 /);
  assert.deepEqual([outcome?.['ok'], outcome?.['failures']], [true, []]);
});

test('bench refuses a directory that no benchmark left, and numbers beyond their bounds', async (context) => {
  const out = temporaryDirectory(context);
  const [outOfBounds, tooMany] = await Promise.all([
    runCommand(['bench', 'concert', '--seats', '2', '--ranks', '3', '--out', out]),
    runCommand(['bench', 'concert', '--workers', '5000', '--out', out]),
  ]);
  assert.equal(outOfBounds.code, ExitCode.usage);
  assert.match(outOfBounds.stderr, /^k-lani: InvalidArgument 0134: .*--ranks is 3, must be .* 1 to 2\. "k-lani help bench" shows.*\n$/);
  assert.equal(tooMany.code, ExitCode.usage);
});

test('a signal ends bench and the server that it started', async (context) => {
  const parent = temporaryDirectory(context);
  const database = join(parent, 'concert', 'database');
  const listening = untilLocked(parent, join(database, 'lock'));
  const running = startCommand(context, ['bench', 'concert', '--out', join(parent, 'concert')]);
  await listening;
  running.child.kill('SIGINT');
  assert.equal((await running.ended).code, ExitCode.interrupted);
  assert.notEqual(await codeOnceUnlocked(database), ExitCode.notNow);
});

test('demo runs both proofs, says where its page is, and runs again in the same directory', async (context) => {
  const home = temporaryDirectory(context);
  const env = { XDG_DATA_HOME: home, HOME: home, LOCALAPPDATA: home };
  for (let round = 1; round <= 2; round += 1) {
    const { code, stdout, stderr } = await runCommand(['demo', '--users', '300', '--seats', '50'], { env });
    assert.equal(code, ExitCode.done, stderr);
    const [concert = '', holiday = '', page = ''] = stdout.split('\n');
    assert.match(concert, /^thundering_herd_done users=300 seats=50 .* verified_sold=50 double_sold=0 lost=0 /);
    assert.match(holiday, /^holiday_rush_done sessions=1000 rooms=1000 .* verified_booked=1000 double_booked=0 lost=0 /);
    const path = fileURLToPath(page.replace(/^Page: /, ''));
    assert.ok(path.startsWith(home), path);
    const text = readFileSync(path, 'utf8');
    for (const [, frame = ''] of text.matchAll(/<iframe src="([^"]+)"/g)) assert.ok(existsSync(join(path, '..', frame)), frame);
    assert.match(stderr, /^Log of the concert verified: [\d,]+ records/m);
  }
});

/** Waits until the lock file of a server holds its process id. */
async function untilLocked(parent: string, lock: string): Promise<void> {
  const changes = watch(parent, { recursive: true })[Symbol.asyncIterator]();
  do await changes.next();
  while (!existsSync(lock) || readFileSync(lock, 'utf8').trim() === '');
  await changes.return?.();
}

/** The exit code of a command on the directory when no process holds the directory any more; a server that was killed may take a moment to be gone. */
async function codeOnceUnlocked(directory: string): Promise<number | null> {
  let code: number | null = ExitCode.notNow;
  for (let attempt = 0; attempt < 20 && code === ExitCode.notNow; attempt += 1)
    code = (await runCommand(['table', 'list', '--data', directory])).code;
  return code;
}
