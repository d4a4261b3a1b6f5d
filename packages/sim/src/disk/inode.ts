/**
 * The bytes of one file, twice: as programs see them (the system's cache), and as they are on the disk itself.
 *
 * 1. A write goes to the cache, and from there to the disk at a sync, or by chance when the power goes.
 * 2. After a sync that failed, what it should have brought to the disk may be there or not, and the system takes it to be there: later syncs
 *    return without writing it again, and the cache may forget it.
 */
import type { Chance } from '../world/chance.ts';

/** What a disk writes in one piece, bytes. */
const SECTOR_BYTES = 512;
/** What a system keeps in its cache in one piece, bytes. */
const PAGE_BYTES = 4096;

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** What of the unsynced writes is on the disk when the power goes. */
const SURVIVALS = ['nothing', 'everything', 'a prefix', 'some sectors', 'some pages'] as const;

export class Inode {
  /** As programs see it. */
  data: Uint8Array = new Uint8Array(0);
  #stable: Uint8Array = new Uint8Array(0);
  #unsynced: Write[] = [];
  /** What a failed sync left out, although the system takes it to be on the disk. */
  #forgotten: Write[] = [];

  write(bytes: Uint8Array, position: number): void {
    const write = { position, bytes: bytes.slice() };
    this.data = applied(this.data, write);
    this.#unsynced.push(write);
  }

  /** Gives the file zeros up to `sizeBytes`, on the disk too. */
  fillStable(sizeBytes: number): void {
    this.data = grown(this.data, sizeBytes);
    this.#stable = grown(this.#stable, sizeBytes);
  }

  /** What a sync that begins now covers. */
  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  /** A sync of the first `count` unsynced writes returns. */
  sync(count: number): void {
    for (const write of this.#unsynced.splice(0, count)) this.#stable = applied(this.#stable, write);
  }

  /** A sync of the first `count` unsynced writes fails. */
  failSync(count: number, chance: Chance): void {
    for (const write of this.#unsynced.splice(0, count)) {
      if (chance.happens(0.5)) this.#stable = applied(this.#stable, write);
      else this.#forgotten.push(write);
    }
  }

  /** The same file after its process was killed: the cache is still there, but for what it takes to be on the disk and may forget. */
  afterKill(chance: Chance): Inode {
    const next = new Inode();
    next.data = this.data.slice();
    next.#stable = this.#stable.slice();
    next.#unsynced = [...this.#unsynced];
    if (this.#forgotten.length === 0 || chance.happens(0.5)) {
      next.#forgotten = [...this.#forgotten];
      return next;
    }
    for (const { position, bytes } of this.#forgotten) {
      next.data.fill(0, position, position + bytes.length);
      next.data.set(next.#stable.subarray(position, position + bytes.length), position);
    }
    for (const write of this.#unsynced) next.data = applied(next.data, write);
    return next;
  }

  /** The same file after the power went. */
  afterPowerCut(chance: Chance): Inode {
    const next = new Inode();
    let stable: Uint8Array = this.#stable.slice();
    for (const write of survivors(this.#unsynced, chance)) stable = applied(stable, write);
    next.#stable = stable;
    next.data = stable.slice();
    return next;
  }

  /** Flips one bit as programs see it. */
  flipSeen(offset: number, bit: number): void {
    this.data[offset] = (this.data[offset] ?? 0) ^ (1 << bit);
  }

  /** Flips one bit, for good. */
  flip(offset: number, bit: number): void {
    for (const bytes of [this.data, this.#stable]) bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
  }
}

function survivors(writes: readonly Write[], chance: Chance): readonly Write[] {
  if (writes.length === 0) return writes;
  const survival = chance.pick(SURVIVALS);
  if (survival === 'nothing') return [];
  if (survival === 'everything') return writes;
  if (survival === 'a prefix') return prefix(writes, chance);
  return writes.flatMap((write) => pieces(write, survival === 'some sectors' ? SECTOR_BYTES : PAGE_BYTES, chance));
}

/** The first writes whole, and of the next one what came up to some byte. */
function prefix(writes: readonly Write[], chance: Chance): Write[] {
  const count = chance.below(writes.length);
  const torn = writes[count] as Write;
  return [...writes.slice(0, count), { position: torn.position, bytes: torn.bytes.subarray(0, chance.below(torn.bytes.length + 1)) }];
}

/** Some of the pieces that a write is stored in. */
function pieces({ position, bytes }: Write, unit: number, chance: Chance): Write[] {
  const kept: Write[] = [];
  const end = position + bytes.length;
  for (let at = Math.floor(position / unit) * unit; at < end; at += unit) {
    const start = Math.max(at, position);
    if (chance.happens(0.5)) kept.push({ position: start, bytes: bytes.subarray(start - position, Math.min(at + unit, end) - position) });
  }
  return kept;
}

function applied(target: Uint8Array, { position, bytes }: Write): Uint8Array {
  const result = grown(target, position + bytes.length);
  result.set(bytes, position);
  return result;
}

function grown(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  if (sizeBytes <= bytes.length) return bytes;
  const result = new Uint8Array(sizeBytes);
  result.set(bytes);
  return result;
}
