/** Lives of a server whose clients outlive it: they lose their connections, come back, and ask again. */
import type { BackupOptions, EmbeddedDatabase } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { type Server, type ServerLog, startServer } from '@k-lani/server';
import { type Client, type Environment, openClient } from 'k-lani-client';
import { SimIo } from '../disk/sim-io.ts';
import { NetworkFaults } from '../network/network-faults.ts';
import { SimNetwork } from '../network/sim-network.ts';
import { openShop, sellTheRest } from '../workload/shop.ts';
import { Store } from '../workload/store.ts';
import { work } from '../workload/worker.ts';
import { SimProcess } from '../world/sim-process.ts';
import { backUpInLife, restoreBackup, takeBackup } from './backups.ts';
import { OPERATION_WINDOW, type PlannedCrash } from './plan.ts';
import { ARCHIVE_PATH, DATA_PATH, describe, SEGMENT_BYTES, type Stage } from './stage.ts';

const URL = 'tcp://server:7700';

/** From the end of one life to the beginning of the next, milliseconds. */
const DOWN_MS_MAX = 1500;
/** A life that nothing ended, and how often the operator looks whether its writer has failed, milliseconds. */
const LIFE_MS_MAX = 6000;
const WATCH_MS = 100;
/** How long a client waits before it tries again what could not be done at all, milliseconds. */
const AGAIN_MS = 40;
/** How long an answer may take, milliseconds. */
const TIMEOUT_MS_MIN = 300;
const TIMEOUT_MS_MAX = 5000;
const SESSION_IDLE_MS = 3000;
/** When a backup is taken in a life, milliseconds, and how long it waits for its mark at most. */
const BACKUP_MS_MAX = 600;
const MARK_MS_MAX = 1000;
/** After the last client has gone: everybody else is noticed to be gone by then, milliseconds. */
const IDLE_OUT_MS = 20_000;

const SILENT: ServerLog = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** All lives of a run; see `liveEmbedded`. */
export async function liveRemotely(stage: Stage): Promise<void> {
  const { plan } = stage;
  const faults = new NetworkFaults(plan.network, stage.chance('network faults'), (kind) => stage.count(kind));
  const network = new SimNetwork(stage.chance('network'), faults, (client) => stage.losses.push({ client, order: stage.timeline.order }));
  const shoppers = Array.from({ length: plan.workers }, (_, number) => new Shopper(stage, network, `client ${number}`));
  // Where few operations are remembered, what is asked again much later is new: one client puts the units on sale before the others come.
  const opened = plan.operationWindow < OPERATION_WINDOW ? shoppers[0]?.opened : undefined;
  const shopping = Promise.all(shoppers.map((shopper, number) => shopper.shop(number === 0 ? undefined : opened)));
  const isDone = shopping.then(
    () => undefined,
    (error: unknown) => stage.fail(`a client ended with ${describe(error)}`),
  );
  for (const crash of plan.crashes) {
    await live(stage, network, { crash, isDone });
    await stage.world.sleep(stage.world.random.between(0, DOWN_MS_MAX));
    if (stage.world.random.happens(0.3)) stage.verify();
  }
  stage.calmDown();
  faults.isCalm = true;
  await liveCalmly(stage, network, { shoppers, isDone });
  if (plan.backups > 0) await restoreBackup(stage);
  await look(stage);
  stage.verify();
}

async function live(stage: Stage, network: SimNetwork, life: { crash: PlannedCrash; isDone: Promise<void> }): Promise<void> {
  const process = stage.beginLife();
  const crashed = stage.expectCrash(process, life.crash).then(() => network.serverGone(life.crash.kind));
  const served = openAndServe(stage, network, { process, isDone: life.isDone });
  await Promise.race([served, crashed]);
  if (!process.isAlive) {
    await crashed;
    return;
  }
  stage.endLife(process);
  network.serverGone('kill');
}

async function openAndServe(
  stage: Stage,
  network: SimNetwork,
  { process, isDone }: { process: SimProcess; isDone: Promise<void> },
): Promise<void> {
  const server = await stage.unlessRefused(() => open(stage, network, process));
  if (server === undefined) return;
  stage.rotting.begin();
  const backup = backUpInLife(stage, process, { delayMsMax: BACKUP_MS_MAX, mark: () => markOf(stage, network) });
  await Promise.race([watch(process, server), isDone]);
  // One backup at a time: the directory that they go into is locked.
  await backup;
  if (process.isAlive && stage.world.random.happens(0.3)) await server.close();
}

/** Until the writer has failed, or the life is long enough. */
async function watch(process: SimProcess, server: Server): Promise<void> {
  for (let ms = 0; ms < LIFE_MS_MAX && server.stats.failure === undefined; ms += WATCH_MS) await process.sleep(WATCH_MS);
}

function open(stage: Stage, network: SimNetwork, process: SimProcess): Promise<Server> {
  const ticker = {
    start: (periodMs: number, tick: () => void) => {
      let next = process.plan(periodMs, 'tick', again);
      function again(): void {
        next = process.plan(periodMs, 'tick', again);
        stage.disturb(process);
        tick();
      }
      return () => next.cancel();
    },
  };
  return startServer(
    {
      data: DATA_PATH,
      listen: [URL],
      segmentSizeBytes: SEGMENT_BYTES,
      operationWindow: stage.plan.operationWindow,
      checkpointBytes: stage.plan.checkpointBytes,
      history: typeof stage.plan.history === 'object' ? stage.plan.history.days : stage.plan.history,
      archive: stage.plan.hasArchive ? ARCHIVE_PATH : 'none',
      sessionIdleMs: SESSION_IDLE_MS,
    },
    { io: new SimIo(stage.disk, process), clock: process, random: process.random, ticker, log: SILENT, listen: network.listener(process) },
  );
}

/** The last life: everybody finishes, what is left is sold, and when all have gone nothing of them is left. */
async function liveCalmly(
  stage: Stage,
  network: SimNetwork,
  clients: { shoppers: readonly Shopper[]; isDone: Promise<void> },
): Promise<void> {
  const process = stage.beginLife();
  const server = await open(stage, network, process);
  await clients.isDone;
  for (const shopper of clients.shoppers) await shopper.close();
  const last = new Shopper(stage, network, 'last');
  await last.sellTheRest();
  await last.close();
  if (stage.plan.backups > 0) await takeBackup(stage, await markOf(stage, network));
  await stage.world.sleep(IDLE_OUT_MS);
  const { locks, server: counted } = server.stats;
  const sessions = counted.sessions + counted.answersHeld;
  await server.close();
  await stage.noteLeftovers(process, { locks, sessions });
  network.serverGone('kill');
}

/** A mark that the server syncs for a backup, as who runs one asks for it; `undefined` where no server answers. */
async function markOf(stage: Stage, network: SimNetwork): Promise<BackupOptions['mark']> {
  const process = new SimProcess('operator', stage.timeline, stage.chance('operator'));
  const options = { name: process.name, timeoutMs: MARK_MS_MAX, environment: environmentOf(process) };
  let client: Client | undefined;
  try {
    client = await openClient(network.transport(process), URL, options);
    const { lsn } = await client.checkpoint();
    return { lsn, databaseId: client.server.databaseId };
  } catch (error) {
    if (error instanceof KLaniError) return undefined;
    throw error;
  } finally {
    await client?.close();
  }
}

/** What a client gets of the process that it runs in. */
function environmentOf(process: SimProcess): Environment {
  return {
    random: process.random,
    monotonicMs: () => process.monotonicMs(),
    startTimer: (delayMs: number, callback: () => void) => {
      const timer = process.plan(delayMs, 'timer', callback);
      return () => timer.cancel();
    },
  };
}

/** Opens the closed database once more in a process, to see all of it at once. */
async function look(stage: Stage): Promise<void> {
  const process = stage.beginLife();
  const database: EmbeddedDatabase = await stage.openEmbedded(process);
  await stage.snapshot(database);
  await stage.closeEmbedded(process, database);
}

/** A client of its own, and the work that it does. */
class Shopper {
  readonly #stage: Stage;
  readonly #network: SimNetwork;
  readonly #process: SimProcess;
  readonly #timeoutMs: number;
  /** Resolves when it has put the units on sale. */
  readonly opened: Promise<void>;
  #resolveOpened: () => void = () => undefined;
  #client: Client | undefined;

  constructor(stage: Stage, network: SimNetwork, name: string) {
    this.#stage = stage;
    this.#network = network;
    const random = stage.chance(name);
    this.#timeoutMs = Math.floor(random.between(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX));
    this.#process = new SimProcess(name, stage.timeline, random);
    this.opened = new Promise((resolve) => (this.#resolveOpened = resolve));
  }

  /** Does the work of all lives, after `begin`. */
  async shop(begin: Promise<void> | undefined): Promise<void> {
    if (begin !== undefined) await begin;
    const { plan, market, recorder } = this.#stage;
    const process = this.#process;
    const asker = { owner: process, worker: process.name };
    const store = await this.#open();
    this.#resolveOpened();
    const context = { store, asker, process, market, recorder, chance: this.#stage.chance(`${process.name} steps`) };
    const steps = plan.steps * (1 + plan.crashes.length);
    await work(context, { workload: plan.workload, steps, onStep: () => this.#stage.disturb(process), endures: true });
  }

  async sellTheRest(): Promise<void> {
    const store = await this.#open();
    await sellTheRest(store, { owner: this.#process, worker: 'last' }, this.#process, this.#stage.market);
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.#stage.noteLeftEvents(this.#process);
  }

  /** Connects and opens the shop, as often as it takes. */
  async #open(): Promise<Store> {
    const process = this.#process;
    const options = { name: process.name, timeoutMs: this.#timeoutMs, environment: environmentOf(process) };
    this.#client = await this.#untilDone(() => openClient(this.#network.transport(process), URL, options));
    const store = new Store(this.#client, this.#stage.recorder);
    await this.#untilDone(() => openShop(store, { owner: process, worker: process.name }, this.#stage.market));
    return store;
  }

  async #untilDone<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof KLaniError)) throw error;
        await this.#process.sleep(AGAIN_MS);
      }
    }
  }
}
