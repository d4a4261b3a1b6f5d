/**
 * One client that replaces the same few rows again and again beside the buyers: most of the log is soon out of force, so that the server
 * compacts it while it is killed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect, defineTable, KLaniError, type RemoteTable } from 'k-lani-client';
import type { TroubleLog } from './trouble.ts';

/** Every row counts the times that it was replaced. */
export const COUNTERS = defineTable({ table: 'churn', fields: { count: { type: 'uint32', index: 'ordered' } } });

/** Rows of the table. */
export const COUNTER_ROWS = 16;
const RECONNECT_MS_MAX = 40;
const REASK_MS = 5;

export class Churn {
  readonly #client: Client;
  readonly #table: RemoteTable<typeof COUNTERS>;
  readonly #log: TroubleLog;
  readonly #writing: Promise<void[]>;
  #isStopped = false;

  private constructor(client: Client, table: RemoteTable<typeof COUNTERS>, setup: { rowIds: readonly number[]; log: TroubleLog }) {
    this.#client = client;
    this.#table = table;
    this.#log = setup.log;
    this.#writing = Promise.all(setup.rowIds.map((rowId) => this.#count(rowId)));
  }

  /** Begins; what is wrong goes into `log`. */
  static async start(address: string, log: TroubleLog): Promise<Churn> {
    const client = await connect(address, { name: 'churn', reconnect: { delayMsMax: RECONNECT_MS_MAX } });
    const table = await client.table(COUNTERS);
    const { changes } = await client.batch((batch) => {
      for (let row = 0; row < COUNTER_ROWS; row += 1) batch.append(table, { count: 0 });
    });
    return new Churn(client, table, { rowIds: changes.map(({ rowId }) => rowId), log });
  }

  /** Ends, when every row is what was last acknowledged of it. */
  async end(): Promise<void> {
    this.#isStopped = true;
    await this.#writing;
    await this.#client.close();
  }

  /** Each replacement says which version it replaces, so that none can be done twice, and none can be missing. */
  async #count(rowId: number): Promise<void> {
    let version = 1;
    let count = 0;
    while (!this.#isStopped) {
      try {
        ({ version } = await this.#table.replace(rowId, { count: count + 1 }, { ifVersion: version }));
        count += 1;
      } catch (error) {
        if (!(error instanceof KLaniError)) throw error;
        if (error.retry !== 'safe' || error.code === 'VersionMismatch') {
          this.#log.expect(false, `Replacing version ${version} of row ${rowId} was answered ${error.code}: ${error.message}`);
          return;
        }
        await delay(REASK_MS);
      }
    }
    const found = await this.#table.seek(rowId);
    const isRight = found?.version === version && found.row.count === count;
    this.#log.expect(isRight, `Row ${rowId} is ${JSON.stringify(found)}, must be version ${version} with count ${count}`);
  }
}
