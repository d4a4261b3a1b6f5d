/** Backups while the database is written to, each going on with the one before; and at the end a database restored from them. */
import { backUp, DirectorySource, DirectoryTarget, openDatabase, restore } from '@k-lani/engine';
import { SimIo } from '../disk/sim-io.ts';
import { openTables, takeSnapshot } from '../record/snapshot.ts';
import { SimProcess } from '../world/sim-process.ts';
import { DATA_PATH, type Stage } from './stage.ts';

const BACKUP_PATH = 'backup';
const RESTORED_PATH = 'restored';

/** Takes a backup of what is there, from a process of its own on the same machine. A crash may come in the middle of it. */
export async function takeBackup(stage: Stage): Promise<void> {
  const io = new SimIo(stage.disk, new SimProcess('backup', stage.timeline, stage.chance('backup')));
  await stage.unlessRefused(async () => {
    const target = DirectoryTarget.open(io, BACKUP_PATH);
    try {
      await backUp(DATA_PATH, target, { io });
    } finally {
      target.close();
    }
  });
}

/** Takes a last backup of the closed database, and restores it into another directory: of a copy, which nothing else knows. */
export async function restoreBackup(stage: Stage): Promise<void> {
  const disk = stage.disk.copy();
  const process = new SimProcess('restore', stage.timeline, stage.chance('restore'));
  const io = new SimIo(disk, process);
  const source = DirectorySource.open(io, BACKUP_PATH);
  const { kept } = await restore(source, RESTORED_PATH, { io }).finally(() => source.close());
  const database = await openDatabase(RESTORED_PATH, { io, clock: process, random: process.random, checkpointBytes: 0 });
  stage.restored.push({ lsnLast: kept.lsnLast, snapshot: takeSnapshot(database, await openTables(database), stage.timeline.order) });
  await database.close();
  process.kill();
}
