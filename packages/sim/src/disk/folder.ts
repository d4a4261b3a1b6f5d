/**
 * The names of one directory, as programs see them and as they are on the disk. Names are on the disk after a sync of the directory; when
 * the power goes before, each change since may be there or not.
 */
import type { Chance } from '../world/chance.ts';
import type { Inode } from './inode.ts';
import { SimSharing } from './sim-memory.ts';

/** One step: the names that it sets, or takes away. */
type Change = ReadonlyMap<string, Inode | undefined>;

export class Folder {
  readonly names: Map<string, Inode>;
  /** Memory under names in this directory; it ends with the processes. */
  readonly sharing = new SimSharing();
  #stable: Map<string, Inode>;
  #unsynced: Change[] = [];
  /** A process holds the directory's lock. */
  isLocked = false;

  constructor(names = new Map<string, Inode>()) {
    this.names = names;
    this.#stable = new Map(names);
  }

  change(change: Change): void {
    apply(this.names, change);
    this.#unsynced.push(change);
  }

  sync(): void {
    for (const change of this.#unsynced.splice(0)) apply(this.#stable, change);
  }

  /** The same directory after its process was killed. */
  afterKill(moved: (inode: Inode) => Inode): Folder {
    const next = new Folder(mapped(this.names, moved));
    next.#stable = mapped(this.#stable, moved);
    next.#unsynced = this.#unsynced.map((change) => mapped(change, (inode) => (inode === undefined ? undefined : moved(inode))));
    return next;
  }

  /** The same directory after the power went: of the unsynced changes the first ones are there, or any of them. */
  afterPowerCut(moved: (inode: Inode) => Inode, chance: Chance): Folder {
    const names = new Map(this.#stable);
    const isOrdered = chance.happens(0.5);
    const count = chance.below(this.#unsynced.length + 1);
    for (const [place, change] of this.#unsynced.entries()) {
      if (isOrdered ? place < count : chance.happens(0.5)) apply(names, change);
    }
    return new Folder(mapped(names, moved));
  }
}

function apply(names: Map<string, Inode>, change: Change): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
  }
}

function mapped<A, B>(names: ReadonlyMap<string, A>, moved: (inode: A) => B): Map<string, B> {
  return new Map([...names].map(([name, inode]) => [name, moved(inode)]));
}
