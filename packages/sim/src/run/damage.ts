/** Bit rot: copies of the closed database in which one bit is flipped somewhere, and what becomes of opening them. */
import { openDatabase, verifyLog } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { Disk } from '../disk/disk.ts';
import { SimIo } from '../disk/sim-io.ts';
import type { Damage } from '../record/evidence.ts';
import { openTables, takeSnapshot } from '../record/snapshot.ts';
import { SimProcess } from '../world/sim-process.ts';
import { DATA_PATH, SEGMENT_BYTES, type Stage } from './stage.ts';

/** Copies that are damaged in a run at most. */
const COPIES_MAX = 3;

/** One of so many flips may also be behind what was written. */
const ANYWHERE_ONE_OF = 6;

/** Damages copies of the database, which is closed in good order, and tries to use them. */
export async function damageCopies(stage: Stage): Promise<void> {
  const chance = stage.chance('bit rot');
  for (let count = chance.below(COPIES_MAX + 1); count > 0; count -= 1) {
    const disk = stage.disk.copy();
    const folder = disk.folder(DATA_PATH);
    const files = [...(folder?.names ?? [])].filter(([name, { data }]) => name !== 'lock' && data.length > 0);
    if (files.length === 0) return;
    const [file, inode] = chance.pick(files);
    const sizeBytes = chance.below(ANYWHERE_ONE_OF) === 0 ? inode.data.length : writtenBytes(stage, file, inode.data.length);
    const offset = chance.below(Math.max(1, sizeBytes));
    stage.count('flipped bit');
    inode.flip(offset, chance.below(8));
    stage.damages.push({ file, offset, ...(await use(stage, disk, count)) });
  }
}

/** The bytes of a file that were written for good. */
function writtenBytes(stage: Stage, file: string, sizeBytes: number): number {
  if (!file.endsWith('.segment')) return sizeBytes;
  const base = Number(file.slice(0, 10)) * SEGMENT_BYTES;
  const last = stage.truth.batches.findLast(({ position }) => position >= base && position < base + SEGMENT_BYTES);
  return last === undefined ? sizeBytes : last.end - base;
}

/** What checking and opening a damaged copy comes to. */
async function use(stage: Stage, disk: Disk, number: number): Promise<Omit<Damage, 'file' | 'offset'>> {
  const process = new SimProcess(`damaged ${number}`, stage.timeline, stage.chance(`damaged ${number}`));
  const io = new SimIo(disk, process);
  const fault = await refusalOf(() => verifyLog(DATA_PATH, { io }));
  let snapshot: Damage['snapshot'];
  const openFault = await refusalOf(async () => {
    const { checkpointBytes, operationWindow } = stage.plan;
    const database = await openDatabase(DATA_PATH, { io, clock: process, random: process.random, checkpointBytes, operationWindow });
    snapshot = takeSnapshot(database, await openTables(database), stage.timeline.order);
    await database.close();
  });
  process.kill();
  return { fault, openFault, snapshot };
}

async function refusalOf(attempt: () => unknown): Promise<KLaniError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (error instanceof KLaniError) return error;
    throw error;
  }
}
