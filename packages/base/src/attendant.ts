/**
 * Looks after the channels of one thread: takes what has come over all of them in one turn, and sleeps only when nothing is there on any.
 *
 * 1. A look takes what was there when it began; then the event loop has its turn before the next. After a look that found something there is
 *    another: who was busy until now is likely to be again, and the way through the event loop costs less than being woken.
 * 2. With a bell, whoever sends first over any of the channels wakes the thread for all of them. Without one there is one channel.
 */
import { assert } from './assert.ts';
import type { RingConsumer } from './ring.ts';

/** A channel, as its attendant sees it. */
export interface Attended {
  readonly incoming: RingConsumer;
  /** Takes what has come, and returns how many messages there were. */
  drain(): number;
}

export class Attendant {
  /** What the other sides of its channels must have. */
  readonly bell: SharedArrayBuffer | undefined;
  readonly #defer: (callback: () => void) => void;
  readonly #channels: Attended[] = [];
  #isDue = false;

  /** @param defer runs its argument once, after every event that is ready now has been handled */
  constructor(defer: (callback: () => void) => void, bell?: SharedArrayBuffer) {
    this.#defer = defer;
    this.bell = bell;
  }

  /** Looks after a channel, from the next turn on. */
  add(channel: Attended): void {
    assert(this.bell !== undefined || this.#channels.length === 0, 'Attendant.add(): without a bell there is one channel');
    this.#channels.push(channel);
    this.#attendLater();
  }

  /** Looks after it no more. */
  remove(channel: Attended): void {
    const place = this.#channels.indexOf(channel);
    if (place >= 0) this.#channels.splice(place, 1);
  }

  /** Takes what has come over all channels. */
  attend(): void {
    this.#channels[0]?.incoming.awake();
    let count = 0;
    // A channel that ends meanwhile leaves the list: from the back, no other one is passed over.
    for (let place = this.#channels.length - 1; place >= 0; place -= 1) count += this.#channels[place]?.drain() ?? 0;
    if (count > 0 || !this.#sleep()) this.#attendLater();
  }

  /** @returns false when there is something to take */
  #sleep(): boolean {
    const [first] = this.#channels;
    if (first === undefined) return true;
    if (!first.incoming.sleep()) return false;
    for (const { incoming } of this.#channels) {
      if (incoming.isEmpty) continue;
      first.incoming.awake();
      return false;
    }
    return true;
  }

  #attendLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#defer(() => {
      this.#isDue = false;
      this.attend();
    });
  }
}
