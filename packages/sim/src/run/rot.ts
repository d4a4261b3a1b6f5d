/**
 * Bit rot while the database runs: a bit of the log is another one for a while, as programs read the file, and then what it was. Whatever read it
 * meanwhile must have said so, and nothing may stay of it.
 *
 * 1. The bit is of a record that is durable, applied, and superseded, or of a unit that is sold: that no record rots between its check and its
 *    use is not promised. So there are no sold units among them where records are moved, or new indexes made of all rows.
 * 2. A crash, and the end of a life, find it mended: what an opening finds is for `damage.ts`.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Inode } from '../disk/inode.ts';
import type { Disk } from '../disk/disk.ts';
import type { Rot } from '../record/evidence.ts';
import type { LogTruth, TrueRecord } from '../record/log-truth.ts';
import { WORKLOADS } from '../workload/workloads.ts';
import type { Chance } from '../world/chance.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { Timeline } from '../world/timeline.ts';
import type { Plan } from './plan.ts';

/** How long a bit is another one, milliseconds at most. */
const ROT_MS_MAX = 60;

/** So many of the last batches may not be durable yet, or not applied to both sides. */
const RECENT_BATCHES = 3;

/** Where bits rot. */
interface Site {
  readonly plan: Plan;
  readonly truth: LogTruth;
  readonly timeline: Timeline;
  readonly world: SimProcess;
  /** The disk of the present life. */
  readonly disk: Disk;
  count(kind: string): void;
}

/** The directory of the log, and the size of its segments. */
interface LogPlace {
  readonly directory: string;
  readonly segmentSizeBytes: number;
}

export class Rotting {
  readonly rots: Rot[] = [];
  readonly #site: Site;
  readonly #log: LogPlace;
  readonly #chance: Chance;
  #mend: (() => void) | undefined;
  #isOpen = false;

  constructor(site: Site, log: LogPlace, chance: Chance) {
    this.#site = site;
    this.#log = log;
    this.#chance = chance;
  }

  /** The database is open: from now on bits may rot. */
  begin(): void {
    this.#isOpen = true;
  }

  /** Whoever opens it next finds it whole. */
  end(): void {
    this.#mend?.();
    this.#isOpen = false;
  }

  /** Lets a bit rot, by chance, unless one is rotten. */
  disturb(): void {
    const { plan, timeline, disk, world } = this.#site;
    const { directory, segmentSizeBytes } = this.#log;
    if (!this.#isOpen || this.#mend !== undefined || !this.#chance.happens(plan.rot)) return;
    const records = this.#sealed();
    if (records.length === 0) return;
    const { lsn, end } = this.#chance.pick(records);
    const file = `${String(Math.floor(lsn / segmentSizeBytes)).padStart(10, '0')}.segment`;
    const inode = disk.folder(directory)?.names.get(file);
    if (inode === undefined) return;
    const position = lsn + this.#chance.below(end - lsn);
    this.#rot(inode, { offset: position % segmentSizeBytes, bit: this.#chance.below(8) }, { file, position, fromOrder: timeline.order });
    world.plan(this.#chance.between(0, ROT_MS_MAX), 'mends a bit', () => this.#mend?.());
  }

  /** Whether an error tells of a bit that was rotten at some time since an event. */
  explains(error: unknown, sinceOrder: number): boolean {
    if (!(error instanceof KLaniError) || (error.code !== 'ChecksumMismatch' && error.code !== 'Damaged')) return false;
    return this.rots.some(({ file, untilOrder }) => untilOrder >= sinceOrder && error.message.includes(file));
  }

  #rot(inode: Inode, { offset, bit }: { offset: number; bit: number }, rot: Omit<Rot, 'untilOrder'>): void {
    const entry = { ...rot, untilOrder: Infinity };
    this.rots.push(entry);
    this.#site.count('bit rot while it runs');
    inode.flipSeen(offset, bit);
    this.#mend = () => {
      inode.flipSeen(offset, bit);
      entry.untilOrder = this.#site.timeline.order;
      this.#mend = undefined;
    };
  }

  /** Where the records are that may rot. */
  #sealed(): TrueRecord[] {
    const { truth, plan } = this.#site;
    const settled = truth.batches.slice(0, -RECENT_BATCHES).filter(({ position }) => position >= truth.begin);
    const superseded = new Set(settled.flatMap(({ records }) => records.map(({ previous }) => truth.moved.get(previous) ?? previous)));
    const areRead = plan.history !== 'all' || WORKLOADS[plan.workload].alterSeats !== undefined;
    const isFinal = ({ row }: TrueRecord): boolean => !areRead && row?.['is_booked'] === 1;
    return settled.flatMap(({ records }) => records.filter((record) => superseded.has(record.lsn) || isFinal(record)));
  }
}
