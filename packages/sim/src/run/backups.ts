/** Backups while the database is written to, each going on with the one before; and at the end a database restored from them. */
import { type BackupOptions, backUp, DirectorySource, DirectoryTarget, openDatabase, restore } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { SimIo } from '../disk/sim-io.ts';
import { openTables, takeSnapshot } from '../record/snapshot.ts';
import { SimProcess } from '../world/sim-process.ts';
import { DATA_PATH, describe, type Stage } from './stage.ts';

const RESTORED_PATH = 'restored';

/** When a backup is taken in a life, and a mark that the server was asked for, up to which everything is taken. */
export interface BackupPlan {
  readonly delayMsMax: number;
  readonly mark?: () => Promise<BackupOptions['mark']>;
}

/** Takes a backup in this life, if the plan wants one. What it ends with is a failure of the run, unless the disk is why. */
export async function backUpInLife(stage: Stage, process: SimProcess, { delayMsMax, mark }: BackupPlan): Promise<void> {
  const chance = stage.chance(`backup of ${process.name}`);
  if (!chance.happens(stage.plan.backups)) return;
  await process.sleep(chance.between(0, delayMsMax));
  const marked = await mark?.();
  // The life may be over by now, and the next one takes its own.
  if (!process.isAlive) return;
  stage.count('backup');
  const { order } = stage.timeline;
  await takeBackup(stage, marked).catch((error: unknown) => {
    if (!stage.rotting.explains(error, order)) stage.fail(`a backup ended with ${describe(error)}`);
  });
}

/** Takes a backup of what is there, from a process of its own on the same machine. A crash may come in the middle of it. */
export async function takeBackup(stage: Stage, mark?: BackupOptions['mark']): Promise<void> {
  await stage.unlessRefused(async () => {
    try {
      await goOn(stage, mark);
    } catch (error) {
      const isLeftBehind = error instanceof KLaniError && error.code === 'SnapshotExpired' && stage.truth.begin > 0;
      if (!isLeftBehind) throw error;
      stage.backupNumber += 1;
      await goOn(stage, mark);
    }
  });
}

/** Goes on with the backup, or begins one. @throws {KLaniError} SnapshotExpired when segments that it lacks were given up */
async function goOn(stage: Stage, mark: BackupOptions['mark']): Promise<void> {
  const io = new SimIo(stage.disk, new SimProcess('backup', stage.timeline, stage.chance('backup')));
  const target = DirectoryTarget.open(io, pathOf(stage));
  try {
    const { lsnLast } = await backUp(DATA_PATH, target, { io, mark });
    stage.backups.push({ order: stage.timeline.order, lsnLast, lsnMark: mark?.lsn });
  } finally {
    target.close();
  }
}

function pathOf({ backupNumber }: Stage): string {
  return `backup ${backupNumber}`;
}

/** Restores the last backup into another directory: of a copy, which nothing else knows. */
export async function restoreBackup(stage: Stage): Promise<void> {
  const disk = stage.disk.copy();
  const process = new SimProcess('restore', stage.timeline, stage.chance('restore'));
  const io = new SimIo(disk, process);
  const source = DirectorySource.open(io, pathOf(stage));
  const { kept } = await restore(source, RESTORED_PATH, { io }).finally(() => source.close());
  const database = await openDatabase(RESTORED_PATH, { io, clock: process, random: process.random, checkpointBytes: 0 });
  stage.restored.push({ lsnLast: kept.lsnLast, snapshot: takeSnapshot(database, await openTables(database), stage.timeline.order) });
  await database.close();
  process.kill();
}
