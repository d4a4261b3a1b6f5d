/** Scenarios that need threads and processes of their own, at the small size. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { K_LANI_EMBEDDED } from '../systems/k-lani-embedded/k-lani-embedded.ts';
import { LMDB } from '../systems/lmdb/lmdb.ts';
import { SQLITE } from '../systems/sqlite/sqlite.ts';
import type { System } from '../systems/system.ts';
import { HOT_THREADS } from './hot-threads.ts';
import { READERS_BESIDE_PROCESSES } from './readers.ts';
import { isExact, type Scenario, type Task } from './scenario.ts';

for (const system of [K_LANI_EMBEDDED, SQLITE, LMDB]) {
  test(`${system.name}: what worker threads were told they took is stored, and nothing else`, async () => {
    await inDirectory(system, HOT_THREADS, async (session, task) => {
      const { counts, told } = await HOT_THREADS.measure(session, task);
      assert.ok((counts['taken'] ?? 0) > 0);
      const recount = await HOT_THREADS.recount?.(session, task, told);
      assert.ok(recount !== undefined && isExact(recount), JSON.stringify(recount));
      assert.equal(recount.acknowledged, counts['taken']);
      const less = await HOT_THREADS.recount?.(session, task, (told as Uint8Array).slice(1));
      assert.ok(less !== undefined && !isExact(less), 'a row that nobody was told of is noticed');
    });
  });
}

test('two threads read the items that a database in this process has, and two processes those of its copies', async () => {
  await inDirectory(K_LANI_EMBEDDED, READERS_BESIDE_PROCESSES, async (session, task) => {
    const { counts } = await READERS_BESIDE_PROCESSES.measure(session, task);
    assert.ok((counts['threads'] ?? 0) >= 2000);
    assert.ok((counts['processes'] ?? 0) >= 2000);
  });
});

type Use = (session: Awaited<ReturnType<System['open']>>, task: Task) => Promise<void>;

async function inDirectory(system: System, scenario: Scenario, use: Use): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `compare-${system.name}-`));
  try {
    const session = await system.open({ host: '', port: 0, directory });
    const [name = ''] = system.ways(scenario.use);
    await use(session, { run: 'run', size: 'small', seed: 3, way: { name, connections: 1 }, repeats: 1 });
    await session.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}
