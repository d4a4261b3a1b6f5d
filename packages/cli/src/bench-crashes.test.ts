import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { jsonLines, runCommand, temporaryDirectory } from './command-process.fixture.ts';
import { ExitCode } from './exit-code.ts';

test('bench crashes tells what it did and what was found as one JSON object', async (context) => {
  const out = join(temporaryDirectory(context), 'crashes');
  const words = ['--trouble', 'kill', '--kills', '2', '--units', '40', '--seed', '3', '--out', out, '--json'];
  const { code, stdout, stderr } = await runCommand(['bench', 'crashes', ...words]);
  assert.equal(code, ExitCode.done, stderr);
  const [report] = jsonLines(stdout);
  assert.deepEqual([report?.['ok'], report?.['seed'], report?.['failures'], report?.['skipped']], [true, 3, [], []]);
  const rows = report?.['rows'] as readonly Record<string, unknown>[];
  assert.deepEqual(
    rows.map(({ trouble, lost, double, contradicted }) => [trouble, lost, double, contradicted]),
    rows.map(() => ['kill', 0, 0, 0]),
  );
  assert.ok(rows.reduce((kills, row) => kills + Number(row['kills']), 0) >= 2);
});

test('bench crashes prints a table, and its figures on the last line', async (context) => {
  const out = join(temporaryDirectory(context), 'crashes');
  const { code, stdout } = await runCommand(['bench', 'crashes', '--trouble', 'kill', '--kills', '1', '--units', '40', '--out', out]);
  assert.equal(code, ExitCode.done);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^trouble +storm +kills .* acknowledged +found +lost +double +unknown /);
  assert.match(
    lines.at(-1) ?? '',
    /^crashes_done kills=\d+ stops=0 acknowledged=\d+ found=\d+ lost=0 double=0 unknown=0 otherwise=0 seed=1$/,
  );
});

test('bench crashes refuses a trouble that it does not know, and names those that there are', async () => {
  const { code, stderr } = await runCommand(['bench', 'crashes', '--trouble', 'kill,flood']);
  assert.equal(code, ExitCode.usage);
  assert.match(stderr, /"flood" is none of kill, readers, stop, disk-full, read-only, failing-device/);
});
