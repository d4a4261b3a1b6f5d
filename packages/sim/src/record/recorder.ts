/** Writes down every call: what was asked, when, and what came of it. */
import { KLaniError } from '@k-lani/protocol';
import type { EventOwner, Timeline } from '../world/timeline.ts';
import type { Answers, Call, CallKind, CallOf, Requests } from './call.ts';

export class Recorder {
  readonly calls: Call[] = [];
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /**
   * Makes a call and writes it down. What the caller is not alive to hear stays open.
   *
   * @throws what `make` throws
   */
  async call<K extends CallKind>(
    caller: { readonly owner: EventOwner; readonly worker: string },
    kind: K,
    request: Requests[K],
    make: () => Answers[K] | Promise<Answers[K]>,
  ): Promise<Answers[K]> {
    const timeline = this.#timeline;
    const call: CallOf<K> = {
      kind,
      worker: caller.worker,
      request,
      begunOrder: timeline.order,
      begunMs: timeline.nowMs,
      endedOrder: Infinity,
      endedMs: Infinity,
      outcome: 'open',
      answer: undefined,
      error: undefined,
    };
    this.calls.push(call as unknown as Call);
    try {
      const answer = await make();
      if (caller.owner.isAlive) Object.assign(call, { outcome: 'done', answer, endedOrder: timeline.order, endedMs: timeline.nowMs });
      return answer;
    } catch (error) {
      if (caller.owner.isAlive && error instanceof KLaniError) {
        Object.assign(call, { outcome: 'failed', error, endedOrder: timeline.order, endedMs: timeline.nowMs });
      }
      throw error;
    }
  }
}
