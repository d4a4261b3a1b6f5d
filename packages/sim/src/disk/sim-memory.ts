/**
 * Memory that simulated processes share under names in a directory: plain buffers, which end with the process that made them as far as others
 * can tell. There is one thread, so what reads by it is never interrupted; that is for the runs that are interleaved in the engine's tests.
 */
import { assert } from '@k-lani/base';
import type { Io } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { SimProcess } from '../world/sim-process.ts';

type Sharing = NonNullable<ReturnType<Io['openDirectory']>['sharing']>;
type Place = ReturnType<Sharing['find']>[number];
type Memory = ReturnType<Sharing['create']>;
type MemoryView = ReturnType<Sharing['open']>;

/** A piece of memory, as its maker has it. */
class SimMemory implements Memory {
  readonly place: Place;
  readonly name: string;
  readonly chunks: ArrayBuffer[] = [];
  readonly #chunkSizeBytes: number;
  readonly #maker: SimProcess;
  #isClosed = false;

  constructor(maker: SimProcess, what: { name: string; place: Place; chunkSizeBytes: number }) {
    this.#maker = maker;
    this.name = what.name;
    this.place = what.place;
    this.#chunkSizeBytes = what.chunkSizeBytes;
  }

  get isOwned(): boolean {
    return !this.#isClosed && this.#maker.isAlive;
  }

  addChunk(): ArrayBuffer {
    assert(!this.#isClosed, 'Cannot grow shared memory: it is closed');
    const chunk = new ArrayBuffer(this.#chunkSizeBytes);
    this.chunks.push(chunk);
    return chunk;
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** The memory of one directory. */
export class SimSharing {
  readonly #memories: SimMemory[] = [];

  /** As the process sees it that may make memory here. */
  of(process: SimProcess): Sharing {
    const owned = (): SimMemory[] => this.#memories.filter(({ isOwned }) => isOwned);
    return {
      create: (name, chunkSizeBytes) => {
        const memory = new SimMemory(process, { name, chunkSizeBytes, place: { processId: 1, descriptor: this.#memories.length } });
        this.#memories.push(memory);
        return memory;
      },
      find: (name) => owned().flatMap((memory) => (memory.name === name ? [memory.place] : [])),
      open: ({ descriptor }) => {
        const memory = this.#memories[descriptor];
        if (memory?.isOwned !== true) throw new KLaniError('NotFound', `Cannot open shared memory: there is none at ${descriptor}`);
        return viewOf(memory);
      },
    };
  }
}

function viewOf(memory: SimMemory): MemoryView {
  return { chunk: (index) => memory.chunks[index], isOwned: () => memory.isOwned, close: () => undefined };
}
