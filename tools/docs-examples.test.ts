/**
 * Runs the code in the documents, as it stands there.
 *
 * 1. A `ts` block with an import begins a program; one without goes on with the program before it.
 * 2. A `yaml NAME` block is a file of that name. A line of a `sh` block that begins with `k-lani` is run, but for those that run a server or
 *    a benchmark.
 * 3. Where a document says port 7700, a server of its own stands there.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const COMMAND = join(ROOT, 'packages/cli/bin/k-lani.js');
const DOCUMENTS = ['README.md', 'GETTING_STARTED.md'];
const PORT_IN_DOCUMENTS = '127.0.0.1:7700';

interface Block {
  readonly info: string;
  readonly text: string;
}

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'k-lani-documents-'));
/** Programs lie inside the workspace, or they would not find its packages. */
const programs = join(ROOT, 'tools', '.examples');
let server: ChildProcess;
let address = '';

before(async () => {
  for (const name of DOCUMENTS) mkdirSync(join(directory, name));
  mkdirSync(programs, { recursive: true });
  const serve = ['serve', '--data', join(directory, 'server'), '--listen', 'tcp://127.0.0.1:0', '--json'];
  server = spawn(process.execPath, [COMMAND, ...serve], { stdio: ['ignore', 'pipe', 'ignore'] });
  assert.ok(server.stdout);
  for await (const line of createInterface({ input: server.stdout })) {
    const found = /127\.0\.0\.1:\d+/.exec(line);
    if (found === null) continue;
    [address] = found;
    break;
  }
  assert.notEqual(address, '');
});

after(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
  rmSync(directory, { recursive: true, force: true });
  rmSync(programs, { recursive: true, force: true });
});

for (const name of DOCUMENTS) {
  const blocks = blocksOf(readFileSync(join(ROOT, name), 'utf8'));
  const cwd = join(directory, name);

  test(`The programs in ${name} run`, async () => {
    const sources = programsOf(blocks);
    assert.ok(sources.length > 0);
    for (const [place, source] of sources.entries()) {
      const file = join(programs, `${name}-${place}.ts`);
      writeFileSync(file, source.replaceAll(PORT_IN_DOCUMENTS, address));
      await run(process.execPath, [file], { cwd, timeout: 60_000 });
    }
  });

  test(`The commands in ${name} run`, async () => {
    for (const { info, text } of blocks) {
      const [, file] = info.split(' ');
      if (info.startsWith('yaml') && file !== undefined) writeFileSync(join(cwd, file), text);
    }
    const commands = blocks.filter(({ info }) => info === 'sh').flatMap(({ text }) => text.split('\n'));
    for (const line of commands.filter(isRun)) {
      const command = line.replace(/^(npx )?k-lani/, `"${process.execPath}" "${COMMAND}"`).replaceAll(PORT_IN_DOCUMENTS, address);
      await run('sh', ['-c', command], { cwd, timeout: 60_000 });
    }
  });
}

test('A program in a document that fails is noticed', async () => {
  const file = join(programs, 'canary.ts');
  writeFileSync(file, programsOf(blocksOf("```ts\nimport 'k-lani';\n```\n\n```ts\nthrow new Error('canary');\n```\n")).join(''));
  await assert.rejects(run(process.execPath, [file], { cwd: directory }), /canary/);
});

function isRun(line: string): boolean {
  return /^(npx )?k-lani /.test(line) && !/k-lani (serve|bench|demo)/.test(line);
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, info = '', text = '']) => ({ info, text }));
}

function programsOf(blocks: readonly Block[]): string[] {
  const found: string[] = [];
  for (const { info, text } of blocks) {
    if (info !== 'ts') continue;
    if (/^import /m.test(text)) found.push(text);
    else found.push((found.pop() ?? '') + text);
  }
  return found;
}
