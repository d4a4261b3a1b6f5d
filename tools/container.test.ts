import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { parse } from 'yaml';

const ROOT = new URL('..', import.meta.url);

/** What the published reports ran within. */
const PROCESSORS = 2;
const MEMORY = '4g';

interface Service {
  readonly cpus: number;
  readonly mem_limit: string;
  readonly memswap_limit: string;
  readonly build: { readonly target: string };
}

function read(name: string): string {
  return readFileSync(fileURLToPath(new URL(name, ROOT)), 'utf8');
}

const dockerfile = read('Dockerfile');
const ignored = read('.dockerignore').trim().split('\n');
const { scripts, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;

test('every service of compose.yaml has the limits of the published reports, and a target that the Dockerfile builds', () => {
  const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> };
  assert.deepEqual(Object.keys(services), ['proof', 'compare']);
  for (const { cpus, mem_limit: memory, memswap_limit: withSwap, build } of Object.values(services)) {
    assert.deepEqual([cpus, memory, withSwap], [PROCESSORS, MEMORY, MEMORY]);
    assert.match(dockerfile, new RegExp(`^FROM sources AS ${build.target}$`, 'm'));
  }
});

test('the Dockerfile brings the Node that the workspace is tested with', () => {
  assert.match(dockerfile, new RegExp(`^FROM node:${devDependencies?.['node'] ?? ''}-`, 'm'));
});

test('what the Dockerfile copies is there, and is not ignored', () => {
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
  assert.ok(copied.includes('packages'));
  for (const name of copied) {
    assert.ok(existsSync(fileURLToPath(new URL(name, ROOT))), name);
    assert.ok(ignored.includes(`!${name}`), name);
  }
});

test('the scripts that the Dockerfile runs are those of the workspace', () => {
  const run = [...dockerfile.matchAll(/"run", "([^"]+)"/g)].map(([, script = '']) => script);
  assert.deepEqual(run, ['bench:compare']);
  for (const script of run) assert.ok(scripts?.[script] !== undefined, script);
});
