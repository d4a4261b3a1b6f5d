import { assert } from '@k-lani/base';
import type { Request } from './request.ts';

const SLOT_BITS = 16;
const SLOT_MASK = (1 << SLOT_BITS) - 1;

/** How many requests of one connection can be in flight, whatever the server allows. */
export const IN_FLIGHT_MAX = 1 << SLOT_BITS;

/**
 * The requests in flight, by request id: the low 16 bits name a slot, the high 16 bits how often the slot was used before. An answer that
 * comes twice, or to an id that was never given, finds nothing.
 */
export class RequestTable {
  readonly #slots: (Request | undefined)[] = [];
  readonly #free: number[] = [];
  /** The id that the next request in each slot gets. */
  readonly #nextIds: number[] = [];

  /** How many ids are in use. */
  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  /** Gives the request an id of its own. At most {@link IN_FLIGHT_MAX} at once. */
  add(request: Request): void {
    const slot = this.#free.pop() ?? this.#addSlot();
    const id = this.#nextIds[slot] ?? slot;
    this.#nextIds[slot] = (id + IN_FLIGHT_MAX) >>> 0;
    this.#slots[slot] = request;
    request.id = id;
  }

  /** The request with this id, or `undefined` when none has it. */
  get(id: number): Request | undefined {
    const request = this.#slots[id & SLOT_MASK];
    return request !== undefined && request.id === id ? request : undefined;
  }

  /** Gives the id of a request back. */
  remove(request: Request): void {
    const slot = request.id & SLOT_MASK;
    assert(this.#slots[slot] === request, 'RequestTable.remove(): the request is not in the table');
    this.#slots[slot] = undefined;
    this.#free.push(slot);
  }

  /** Takes out all, in the order of their calls. */
  takeAll(): Request[] {
    const requests = [...this].toSorted((a, b) => a.sequence - b.sequence);
    for (const request of requests) this.remove(request);
    return requests;
  }

  *[Symbol.iterator](): Iterator<Request> {
    for (const request of this.#slots) {
      if (request !== undefined) yield request;
    }
  }

  #addSlot(): number {
    const slot = this.#slots.length;
    assert(slot < IN_FLIGHT_MAX, 'RequestTable: more requests in flight than ids');
    this.#slots.push(undefined);
    return slot;
  }
}
