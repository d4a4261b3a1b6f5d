/** Lives of a database that its workers use in the process: all of them end with it. */
import type { EmbeddedDatabase } from '@k-lani/engine';
import { openTables, sharedTables, takeSharedSnapshot, takeSnapshot } from '../record/snapshot.ts';
import { openShop, sellTheRest } from '../workload/shop.ts';
import { Store } from '../workload/store.ts';
import { work } from '../workload/worker.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { backUpInLife, restoreBackup, takeBackup } from './backups.ts';
import type { PlannedCrash } from './plan.ts';
import type { Stage } from './stage.ts';

/** From the end of one life to the beginning of the next, milliseconds. */
const DOWN_MS_MAX = 500;
/** Snapshots of one life at most. */
const SNAPSHOTS_MAX = 150;
/** When a backup is taken in a life, milliseconds. */
const BACKUP_MS_MAX = 30;
/** Between two snapshots, milliseconds. */
const SNAPSHOT_MS_MAX = 12;

/** All lives of a run. In the last one nothing goes wrong any more: what can still be sold is sold, and the database is closed. */
export async function liveEmbedded(stage: Stage): Promise<void> {
  for (const crash of stage.plan.crashes) {
    await live(stage, crash);
    await stage.world.sleep(stage.world.random.between(0, DOWN_MS_MAX));
    if (stage.world.random.happens(0.3)) stage.verify();
  }
  stage.calmDown();
  const process = stage.beginLife();
  const database = await stage.openEmbedded(process);
  await serve(stage, process, database);
  const store = new Store(database, stage.recorder);
  const asker = { owner: process, worker: 'last' };
  await openShop(store, asker, stage.market);
  await sellTheRest(store, asker, process, stage.market);
  await stage.snapshot(database);
  if (stage.plan.backups > 0) await takeBackup(stage);
  await stage.closeEmbedded(process, database);
  if (stage.plan.backups > 0) await restoreBackup(stage);
  stage.verify();
}

/** A life that ends with a crash: in the planned operation, or when the work is done before. */
async function live(stage: Stage, crash: PlannedCrash): Promise<void> {
  const process = stage.beginLife();
  const crashed = stage.expectCrash(process, crash);
  await Promise.race([openAndServe(stage, process), crashed]);
  stage.endLife(process);
}

async function openAndServe(stage: Stage, process: SimProcess): Promise<void> {
  const database = await stage.unlessRefused(() => stage.openEmbedded(process));
  if (database === undefined) return;
  await serve(stage, process, database);
  if (stage.world.random.happens(0.3) && process.isAlive) await stage.closeEmbedded(process, database);
}

async function serve(stage: Stage, process: SimProcess, database: EmbeddedDatabase): Promise<void> {
  const { plan, market, recorder, timeline } = stage;
  const store = new Store(database, recorder);
  const isOpen =
    (await stage.unlessRefused(async () => (await openShop(store, { owner: process, worker: 'shop' }, market), true))) === true;
  const tables = isOpen ? await openTables(database) : [];
  const reader = stage.attachReader(process, database);
  stage.rotting.begin();
  const progress = { isOver: !isOpen };
  const take = async (): Promise<void> => {
    for (let count = 0; count < SNAPSHOTS_MAX && !progress.isOver && process.isAlive; count += 1) {
      try {
        stage.snapshots.push(takeSnapshot(database, tables, timeline.order));
        stage.snapshots.push(takeSharedSnapshot(reader, sharedTables(reader), timeline.order));
      } catch (error) {
        if (!stage.rotting.explains(error, timeline.order)) throw error;
      }
      await process.sleep(process.random.between(0, SNAPSHOT_MS_MAX));
    }
  };
  const workers = Array.from({ length: isOpen ? plan.workers : 0 }, (_, number) => {
    const worker = `${process.name}/${number}`;
    const context = { store, asker: { owner: process, worker }, process, market, recorder, chance: stage.chance(worker) };
    return work(context, { workload: plan.workload, steps: plan.steps, onStep: () => stage.disturb(process) });
  });
  const snapshots = take();
  const backup = backUpInLife(stage, process, { delayMsMax: BACKUP_MS_MAX });
  await Promise.all(workers);
  progress.isOver = true;
  await snapshots;
  reader.close();
  // One backup at a time: the directory that they go into is locked.
  await backup;
}
