/** `docs/durability.md` names files, checkers, errors and commands: every one of them is there. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test from 'node:test';
import { errorCodes } from '@k-lani/protocol';

const ROOT = join(import.meta.dirname, '..');
const PATH = join(ROOT, 'docs/durability.md');
const text = readFileSync(PATH, 'utf8');

/** The section under a heading of the second level. */
function section(heading: string): string {
  const found = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(found !== undefined, `no section "${heading}"`);
  return found;
}

test('every file that docs/durability.md names is there, under its own name', () => {
  const links = [...text.matchAll(/\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)/g)];
  assert.ok(links.length > 60, `${links.length} links`);
  for (const [, name = '', path = ''] of links) {
    assert.ok(existsSync(join(dirname(PATH), path)), path);
    assert.equal(basename(path), name);
  }
});

test('every promise of docs/durability.md has a mechanism, a checker or the reason why it has none, and a test', () => {
  const promises = section('What is promised').split(/^### /m).slice(1);
  assert.ok(promises.length >= 15, `${promises.length} promises`);
  for (const promise of promises) {
    const [title = ''] = promise.split('\n');
    assert.match(promise, /^- Mechanism: .+$/m, title);
    assert.match(promise, /^- Checker: (?:\[.*\/packages\/sim\/src\/checkers\/.+|none of the simulator; .+\.)$/m, title);
    assert.match(promise, /^- Tests: .*\.test\.ts\).*$/m, title);
  }
});

test('every checker of the simulator holds a promise of docs/durability.md', () => {
  const checkers = globSync('packages/sim/src/checkers/*.ts', { cwd: ROOT })
    .map((path) => basename(path))
    .filter((name) => name !== 'all.ts' && !name.endsWith('.test.ts'));
  assert.ok(checkers.length >= 9);
  assert.deepEqual(
    checkers.filter((name) => !section('What is promised').includes(`/checkers/${name})`)),
    [],
  );
});

test('every error in the table of failures is one of k-lani, and every script is one of the workspace', () => {
  const codes: readonly string[] = errorCodes();
  const named = [...section('What has failed').matchAll(/`([A-Z][A-Za-z]+)`/g)].map(([, name = '']) => name);
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !codes.includes(name)),
    [],
  );
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g)) assert.ok(script in scripts, script);
});
