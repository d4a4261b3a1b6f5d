/**
 * A simulated disk: directories and files, and what is left of them after a crash.
 *
 * 1. Nothing is durable before the sync that covers it: bytes by the file's, names by the directory's.
 * 2. A crash may come at any operation. It makes another disk, of what is left; the disk of before goes on for the process that does not
 *    know yet that it is dead, and nobody else sees it.
 */
import type { Chance } from '../world/chance.ts';
import { DiskFaults } from './disk-faults.ts';
import { Folder } from './folder.ts';
import type { Inode } from './inode.ts';

/** Told of what goes to the disk: the truth about what was written. */
export interface DiskWatcher {
  wrote(path: string, position: number, bytes: Uint8Array): void;
  /** Everything written to the file before is on the disk for good. */
  synced(path: string): void;
  /** A file got this name; `wallMs` is the time by the clock of whoever gave it. */
  renamed(path: string, bytes: Uint8Array, wallMs: number): void;
}

export class Disk {
  readonly folders = new Map<string, Folder>();
  readonly faults: DiskFaults;
  readonly chance: Chance;
  readonly watcher: DiskWatcher;
  /** Writes, syncs and changes of names so far. */
  operations = 0;
  /** The operation in which the crash comes, and what is told of it. */
  crashAt = Infinity;
  onCrash: () => void = () => undefined;
  openFiles = 0;
  openViews = 0;
  /** Whether files are read through views of all of their bytes, as through a mapping. */
  readonly hasMappings: boolean;

  constructor(options: { faults: DiskFaults; chance: Chance; watcher: DiskWatcher; hasMappings: boolean }) {
    this.faults = options.faults;
    this.chance = options.chance;
    this.watcher = options.watcher;
    this.hasMappings = options.hasMappings;
  }

  /** Counts an operation. @returns whether the crash comes in it; then whoever does it calls `crash` when as much of it is done as will be */
  begin(): boolean {
    this.operations += 1;
    return this.operations === this.crashAt;
  }

  /** The crash comes now. */
  crash(): void {
    const { onCrash } = this;
    this.crashAt = Infinity;
    this.onCrash = () => undefined;
    onCrash();
  }

  /** The directory with this path. */
  folder(path: string): Folder | undefined {
    return this.folders.get(path);
  }

  /** What a process finds after the one before was killed. */
  afterKill(): Disk {
    return this.#after(
      { inode: (inode) => inode.afterKill(this.chance), folder: (folder, moved) => folder.afterKill(moved) },
      this.watcher,
    );
  }

  /** What a process finds after the power went. */
  afterPowerCut(): Disk {
    const { chance } = this;
    return this.#after(
      { inode: (inode) => inode.afterPowerCut(chance), folder: (folder, moved) => folder.afterPowerCut(moved, chance) },
      this.watcher,
    );
  }

  /** The same bytes once more, to be damaged: what happens to them is told to nobody. */
  copy(): Disk {
    const silent: DiskWatcher = { wrote: () => undefined, synced: () => undefined, renamed: () => undefined };
    return this.#after({ inode: (inode) => inode.afterKill(this.chance), folder: (folder, moved) => folder.afterKill(moved) }, silent);
  }

  #after(
    left: { inode: (inode: Inode) => Inode; folder: (folder: Folder, moved: (inode: Inode) => Inode) => Folder },
    watcher: DiskWatcher,
  ): Disk {
    const { faults, chance, hasMappings } = this;
    const next = new Disk({ faults, chance, watcher, hasMappings });
    const inodes = new Map<Inode, Inode>();
    const moved = (inode: Inode): Inode => {
      const known = inodes.get(inode) ?? left.inode(inode);
      inodes.set(inode, known);
      return known;
    };
    for (const [path, folder] of this.folders) next.folders.set(path, left.folder(folder, moved));
    return next;
  }
}
