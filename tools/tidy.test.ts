import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import * as tidy from './tidy.ts';

const tree = tidy.readTree(fileURLToPath(new URL('..', import.meta.url)));

test('the tree that the rules look at is not empty', () => {
  assert.ok(tree.sources.some(({ path }) => path === 'packages/base/src/assert.ts'));
  assert.ok(tree.sources.some(({ path }) => path === 'tools/tidy.test.ts'));
  assert.ok(tree.documents.some(({ path }) => path === 'package-lock.json'));
  assert.equal(tree.manifests.get('cli')?.name, 'k-lani');
});

/** A rule, and files that break it, each with the breach that the rule must then find. */
interface Canary {
  readonly rule: tidy.Rule;
  readonly holds: string;
  readonly planted: readonly { readonly path: string; readonly text: string; readonly breach: RegExp }[];
}

const CANARIES: readonly Canary[] = [
  {
    rule: tidy.packageImports,
    holds: 'a package imports only the packages below it, by name',
    planted: [
      { path: 'packages/base/src/planted.ts', text: `import '@k-lani/protocol';`, breach: /base may not import packages\/protocol/ },
      {
        path: 'packages/client/src/planted.ts',
        text: `export type X = import('@k-lani/engine').X;`,
        breach: /may not import packages\/engine/,
      },
      {
        path: 'packages/server/src/planted.ts',
        text: `import '../../engine/src/io/io.ts';`,
        breach: /reaches packages\/engine\/src\/io\/io\.ts/,
      },
      { path: 'packages/base/src/planted.test.ts', text: `await import('./mod.ts');`, breach: /imports its own mod\.ts/ },
      {
        path: 'packages/engine/src/memory/planted.ts',
        text: `export * from '@k-lani/engine';`,
        breach: /engine may not import packages\/engine/,
      },
    ],
  },
  {
    rule: tidy.engineImports,
    holds: 'a folder of the engine imports only the folders below it',
    planted: [
      { path: 'packages/engine/src/memory/planted.ts', text: `import '../log/log.ts';`, breach: /memory may not import engine\/src\/log/ },
      {
        path: 'packages/engine/src/index/planted.ts',
        text: `export type { X } from '../log/log.ts';`,
        breach: /index may not import engine\/src\/log/,
      },
      { path: 'packages/engine/src/log/planted.ts', text: `new URL('../database/x.ts', import.meta.url);`, breach: /log may not import/ },
      {
        path: 'packages/engine/src/memory/planted.test.ts',
        text: `import '../table/x.ts';`,
        breach: /memory may not import engine\/src\/table/,
      },
      { path: 'packages/engine/src/planted/x.ts', text: '', breach: /planted has no row/ },
    ],
  },
  {
    rule: tidy.nodeFree,
    holds: 'what runs in a browser does without Node',
    planted: [
      { path: 'packages/base/src/planted.ts', text: `import 'node:assert';`, breach: /node:assert does not exist/ },
      { path: 'packages/protocol/src/planted.ts', text: 'export const x = Buffer.alloc(1);', breach: /Buffer does not exist/ },
      { path: 'packages/client/src/planted.ts', text: `import type { Socket } from 'node:net';`, breach: /node:net does not exist/ },
    ],
  },
  {
    rule: tidy.adapters,
    holds: 'only adapters touch the world outside',
    planted: [
      { path: 'packages/engine/src/log/planted.ts', text: 'export const x = Date.now;', breach: /Date\.now touches time/ },
      { path: 'packages/engine/src/log/planted.ts', text: 'export const x = new Date();', breach: /new Date\(\) touches time/ },
      { path: 'packages/engine/src/lock/planted.ts', text: 'globalThis.setTimeout(() => {}, 1);', breach: /setTimeout touches time/ },
      { path: 'packages/engine/src/lock/planted.ts', text: 'const x = { setTimeout };', breach: /setTimeout touches time/ },
      { path: 'packages/engine/src/log/planted.ts', text: `import { randomBytes } from 'node:crypto';`, breach: /touches chance/ },
      { path: 'packages/engine/src/index/planted.ts', text: 'Math.random();', breach: /Math\.random touches chance/ },
      { path: 'packages/engine/src/log/planted.ts', text: `import { openSync } from 'node:fs';`, breach: /node:fs touches files/ },
      { path: 'packages/server/src/planted.ts', text: `export { connect } from 'node:net';`, breach: /node:net touches network/ },
      { path: 'packages/engine/src/io/planted.ts', text: `await import('koffi');`, breach: /koffi touches native/ },
    ],
  },
  {
    rule: tidy.fileLengths,
    holds: `no file has more than ${tidy.LINES_MAX} lines`,
    planted: [{ path: 'packages/base/src/planted.ts', text: '\n'.repeat(tidy.LINES_MAX + 1), breach: /501 lines, must be <= 500/ }],
  },
  {
    rule: tidy.fileNames,
    holds: 'a file is named for what it owns',
    planted: [
      { path: 'packages/base/src/utils.ts', text: '', breach: /"utils" does not say/ },
      { path: 'packages/server/src/session-manager.ts', text: '', breach: /"manager" does not say/ },
      { path: 'packages/engine/src/common/x.ts', text: '', breach: /"common" does not say/ },
    ],
  },
  {
    rule: tidy.leftOvers,
    holds: 'nothing is left to be done later',
    planted: [{ path: 'packages/base/src/planted.ts', text: ['// TO', 'DO: later'].join(''), breach: /planted\.ts:1: / }],
  },
  {
    rule: tidy.tests,
    holds: 'every test has a sentence for a name, a body, and runs',
    planted: [
      { path: 'packages/base/src/planted.test.ts', text: `test('a name alone passes');`, breach: /has no body/ },
      { path: 'packages/base/src/planted.test.ts', text: `test.only('one of many', () => {});`, breach: /test\.only\(\) leaves tests out/ },
      { path: 'packages/base/src/planted.test.ts', text: `it('works', () => {});`, breach: /"works" is not a sentence/ },
      { path: 'packages/base/src/planted.test.ts', text: '', breach: /contains no test/ },
    ],
  },
];

for (const { rule, holds, planted } of CANARIES) {
  test(`tidy: ${holds}`, () => {
    assert.deepEqual(rule(tree), []);
  });

  test(`tidy notices where it does not hold that ${holds}`, () => {
    for (const { breach, ...file } of planted) {
      const found = rule(tidy.plant(tree, file)).filter((sentence) => sentence.startsWith(file.path));
      assert.equal(found.length, 1, `${file.text} is noticed once, not ${found.length} times`);
      assert.match(found.join('\n'), breach);
    }
  });
}

test('tidy: the lock file holds no download addresses, and one is noticed', () => {
  const addressed = { path: 'package-lock.json', text: '"resolved": "https://registry.example/x.tgz"' };
  assert.deepEqual(tidy.lockFile(tree), []);
  assert.equal(tidy.lockFile({ ...tree, documents: [addressed] }).length, 1);
});

test('tidy: an adapter that does not touch what it is listed for is noticed', () => {
  const breaches = tidy.adapters({ ...tree, sources: [] });
  assert.ok(breaches.includes('packages/engine/src/io/node-clock.ts is listed as an adapter of time, and does not touch it'));
});

test('tidy reads names, not comments, strings or members of other objects', () => {
  const text = `// Date.now()\nconst x = 'setTimeout'; clock.setTimeout(); const y = { setTimeout: 1, now() {} }; interface Z { setTimeout(): void }`;
  const planted = tidy.plant(tree, { path: 'packages/engine/src/log/planted.ts', text });
  assert.deepEqual(
    tidy.adapters(planted).filter((sentence) => sentence.includes('planted')),
    [],
  );
});
