/**
 * One client beside the buyers, on a table of its own: it asks in the midst of the trouble what buyers do not, and remembers what it was
 * told.
 */
import { type Client, connect, defineTable, KLaniError, type RemoteTable } from 'k-lani-client';

const ENTRIES = defineTable({
  table: 'probe',
  fields: { entry: { type: 'uint32', index: 'non_unique' }, writer: { type: 'uint32' } },
});

/** How long an answer may take, and a wait for a certain answer. */
const TIMEOUT_MS = 20_000;
const RECONNECT_MS_MAX = 40;

/** How a write ended: `done`, or the code of its error. */
export interface Attempt {
  readonly outcome: string;
  readonly message: string;
}

export class Probe implements AsyncDisposable {
  readonly table: RemoteTable<typeof ENTRIES>;
  readonly #client: Client;
  /** Entry → row id, of the writes that were acknowledged. */
  readonly #acknowledged = new Map<number, number>();
  #entries = 0;

  private constructor(client: Client, table: RemoteTable<typeof ENTRIES>) {
    this.#client = client;
    this.table = table;
  }

  static async open(address: string): Promise<Probe> {
    const client = await connect(address, { name: 'probe', timeoutMs: TIMEOUT_MS, reconnect: { delayMsMax: RECONNECT_MS_MAX } });
    return new Probe(client, await client.table(ENTRIES));
  }

  /** Appends a row; an error of the server is an answer like another. */
  async append(): Promise<Attempt> {
    this.#entries += 1;
    const entry = this.#entries;
    return attempt(async () => {
      const { rowId } = await this.table.append({ entry, writer: 0 });
      this.#acknowledged.set(entry, rowId);
    });
  }

  /** Appends until an answer is not `done` any more; gives that answer, or `undefined` when it does not come. */
  async appendUntilRefused(): Promise<Attempt | undefined> {
    const endMs = performance.now() + TIMEOUT_MS;
    while (performance.now() < endMs) {
      const answer = await this.append();
      if (answer.outcome !== 'done') return answer;
    }
    return undefined;
  }

  /** Appends until an answer is `done`; gives the last answer. */
  async appendUntilDone(): Promise<Attempt> {
    const endMs = performance.now() + TIMEOUT_MS;
    for (;;) {
      const answer = await this.append();
      if (answer.outcome === 'done' || performance.now() >= endMs) return answer;
    }
  }

  /** Reads every acknowledged entry by its id and by its index; gives how many are not there. @throws {KLaniError} when a read is refused */
  async missing(): Promise<number> {
    let missing = 0;
    for (const [entry, rowId] of this.#acknowledged) {
      const found = await this.table.seek(rowId);
      const byIndex = await this.table.seekByField('entry', entry);
      if (found?.row.entry !== entry || byIndex.length !== 1) missing += 1;
    }
    return missing;
  }

  /** Why the server's writer has failed, as its counters say it. */
  async failure(): Promise<unknown> {
    return (await this.#client.stats())['failure'];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

/** Carries `work` out; a coded error is its outcome. */
export async function attempt(work: () => Promise<unknown>): Promise<Attempt> {
  try {
    await work();
    return { outcome: 'done', message: '' };
  } catch (error) {
    if (!(error instanceof KLaniError)) throw error;
    return { outcome: error.code, message: error.message };
  }
}
