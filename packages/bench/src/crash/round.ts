/** One storm under trouble, and the count of it. */
import { figuresOf, failuresOf, type Figures } from '../report/figures.ts';
import { RAW_LOG_FORMAT, type StormLog } from '../report/raw-log.ts';
import type { SpawnServer } from '../storm/server-process.ts';
import type { Market, OpenShop, ShopOptions } from '../storm/shop.ts';
import { runStorm } from '../storm/storm.ts';
import type { StormOptions } from '../storm/storm-state.ts';
import type { StormKind } from './goods.ts';
import type { Trouble } from './trouble.ts';
import { type Testimony, Witness } from './witness.ts';

/** One more buyer than units in so many, so that some are refused. */
const UNITS_PER_REFUSED = 20;
const WORKERS = 32;
const CONNECTIONS = 8;
/** A client tries again this soon at the latest: what it waits is missing between two kills. */
const RECONNECT_MS_MAX = 40;

/** What a round needs. */
export interface RoundSetup<Row, Term> {
  readonly kind: StormKind;
  readonly seed: number;
  readonly market: Market<Row, Term>;
  readonly openShop: OpenShop<Row, Term>;
  readonly spawnServer: SpawnServer;
  readonly directory: string;
  readonly serverFlags: readonly string[];
  /** How long a request waits for its answer; the client's default unless given. */
  readonly timeoutMs?: number;
  readonly trouble: Trouble<Row, Term>;
  /** How many of the last operations are asked for again; all unless given. */
  readonly askedAgainMax?: number;
  /** What workers may fail with in this trouble; they serve nobody after that. */
  readonly isExpected?: (failure: string) => boolean;
  /** Called about ten times a second. */
  readonly onSold: (sold: number) => void;
}

/** What a round came to. */
export interface RoundCount {
  readonly figures: Figures;
  readonly testimony: Testimony;
  /** What is wrong with it, one sentence each. */
  readonly failures: readonly string[];
  /** Everything that was seen. */
  readonly log: StormLog;
  readonly serverVersion: string;
}

/** The number of workers: no more outcomes can be unknown when all that is in flight fails at once. */
export const WORKERS_OF_ROUND = WORKERS;

/** Sells everything under trouble, and counts it after one more kill. @throws Error when the server does not come back */
export async function runRound<Row, Term>(setup: RoundSetup<Row, Term>): Promise<RoundCount> {
  const { kind, seed, market, openShop, timeoutMs, trouble } = setup;
  const witness = new Witness<Row, Term>(seed);
  let testimony: Testimony = { asked: 0, contradicted: 0, contradictions: [] };
  const units = market.unitsWithinTerms;
  const buyers = units + Math.ceil(units / UNITS_PER_REFUSED);
  const storm: StormOptions = {
    flow: kind.flow,
    buyers,
    workers: WORKERS,
    connections: CONNECTIONS,
    everyUser: false,
    seed,
    kill: false,
    rehearsals: 0,
  };
  const shopOptions: ShopOptions = {
    reconnect: { delayMsMax: RECONNECT_MS_MAX },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  const startedAt = new Date().toISOString();
  const { state, rows, end, durability, serverVersion } = await runStorm(market, storm, {
    spawnServer: setup.spawnServer,
    directory: setup.directory,
    durability: 'fsync',
    openShop: async (address, rehearsal) => witness.watch(await openShop(address, rehearsal, shopOptions)),
    progress: ({ sold }) => setup.onSold(sold),
    serverFlags: setup.serverFlags,
    trouble: {
      during: (server, storming, over) => trouble.during(server, storming, over),
      afterwards: async (shop) => {
        testimony = await witness.askAgain(shop, setup.askedAgainMax ?? Infinity);
      },
    },
  });
  const { groupSizes, unitsWithinTerms } = market;
  const { sales, unknown, marks, meter } = state;
  const facts = { format: RAW_LOG_FORMAT, bench: kind.bench, durability, startedAt, command: `k-lani bench crashes --seed ${seed}` };
  const log: StormLog = {
    run: { ...storm, ...facts, groupSizes, unitsWithinTerms },
    sales,
    unknown,
    marks,
    windows: meter.windows(),
    rows,
    end,
  };
  const figures = figuresOf(log);
  return { figures, testimony, failures: failuresIn(log, { figures, testimony }, setup.isExpected), log, serverVersion };
}

/** A worker whose failure was expected leaves the buyers after it unserved. */
function failuresIn(
  log: StormLog,
  { figures, testimony }: Pick<RoundCount, 'figures' | 'testimony'>,
  isExpected: (failure: string) => boolean = () => false,
): string[] {
  const unexpected = log.end.failures.filter((failure) => !isExpected(failure));
  const served = unexpected.length < log.end.failures.length ? log.run.buyers : figures.served;
  const failures = failuresOf({ ...log, end: { ...log.end, failures: unexpected } }, { ...figures, served });
  if (testimony.contradicted > 0) failures.push(`Contradicted: ${testimony.contradicted} answers, must be 0`, ...testimony.contradictions);
  return failures;
}
