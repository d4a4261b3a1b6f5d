import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeSampleLogs } from './sample-logs.fixture.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

function run(...words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
}

test('npm run site builds a site, builds it again over itself, and touches nothing else', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-site-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const logs = writeSampleLogs(join(directory, 'logs'));
  const out = join(directory, 'site');
  const first = run('--logs', logs, '--out', out);
  assert.deepEqual([first.status, first.stderr], [0, '']);
  assert.match(first.stdout, /index\.html: 2 logs of storms, 1 of comparisons, 0 left out\n$/);
  writeFileSync(join(out, 'CNAME'), 'kept');
  writeFileSync(join(out, 'storm-old.html'), 'removed');
  rmSync(join(logs, 'holiday.ndjson'));
  assert.equal(run('--logs', logs, '--out', out).status, 0);
  assert.equal(readFileSync(join(out, 'CNAME'), 'utf8'), 'kept');
  assert.throws(() => readFileSync(join(out, 'storm-old.html')), { code: 'ENOENT' });
  assert.throws(() => readFileSync(join(out, 'logs', 'holiday.ndjson')), { code: 'ENOENT' });

  const other = join(directory, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'mine.txt'), '');
  const refused = run('--logs', logs, '--out', other);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /it holds something else; choose another --out\n$/);
  const missing = run('--logs', join(directory, 'none'));
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /there is no directory .*none; give --logs\n$/);
  const wrong = run('--port', '1');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--port[\s\S]*--logs/);
});
