/**
 * The contract of a server, over real sockets, with I/O threads: the same tests that hold one without to it. Which run with how many threads
 * is a matter of time alone: each pair of file and number is there to run by hand (`K_LANI_TEST_IO_THREADS=2 node --test …`).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

const RUNS: readonly { readonly ioThreads: number; readonly files: readonly string[] }[] = [
  { ioThreads: 1, files: ['durable-before-answered', 'held-disk', 'commands'] },
  { ioThreads: 2, files: ['frames.fuzz', 'server'] },
];

for (const { ioThreads, files } of RUNS) {
  test(`With ${ioThreads} I/O threads a server does what it does with none: ${files.join(', ')}`, async () => {
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const paths = files.map((file) => join(FOLDER, `${file}.test.ts`));
    const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=tap', ...paths], {
      // Threads begin with compiling what they import, which takes longer than their tests.
      env: { ...environment, K_LANI_TEST_IO_THREADS: String(ioThreads), NODE_COMPILE_CACHE: join(tmpdir(), 'k-lani-compiled') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let report = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      report += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, report);
    const passed = Number(/^# pass (\d+)$/m.exec(report)?.[1] ?? 0);
    assert.ok(passed > files.length, report);
  });
}
