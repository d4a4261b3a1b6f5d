/**
 * Systems that fail in one way each, and a scenario that stores numbers in a file: for the tests of the harness.
 *
 * A server is a process that only listens, so that the tests see whether it was started and ended; what is stored lies beside its data.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Catalogue } from '../catalogue.ts';
import type { Measurement, Recount, Scenario, Task } from '../scenarios/scenario.ts';
import { probePort } from '../systems/port-probe.ts';
import type { Place, Session, System } from '../systems/system.ts';

const LISTEN = `require('node:net').createServer((socket) => socket.destroy()).listen(Number(process.argv[1]), '127.0.0.1')`;
const NUMBERS = 100;

/** How a system is at fault. */
type Fault = 'none' | 'no session' | 'error in a round' | 'driver ends' | 'loses a row' | 'hangs';

/** A session that stores numbers, one a line. */
interface FakeSession extends Session {
  store(run: string, numbers: readonly number[]): void;
  stored(run: string): readonly number[];
  readonly fault: Fault;
}

const STORE: Scenario = {
  name: 'store',
  title: 'Storing numbers',
  what: '100 numbers in a file',
  kinds: ['server', 'embedded'],
  use: 'items',
  isRepeated: false,
  connections: () => [1],
  measure: (session, task) => store(session as FakeSession, task),
  recount: async (session, task) => count(session as FakeSession, task),
};

const IDLE: Scenario = {
  name: 'idle',
  title: 'Doing nothing',
  what: 'nothing is stored',
  kinds: ['server', 'embedded'],
  use: 'items',
  isRepeated: true,
  connections: () => [1],
  measure: async (_session, { repeats }) => figures(repeats, undefined),
};

export const catalogue: Catalogue = {
  systems: [
    fake('good', 'none', 'embedded'),
    fake('other', 'none', 'server'),
    fake('shut', 'no session', 'server'),
    fake('failing', 'error in a round', 'embedded'),
    fake('dying', 'driver ends', 'server'),
    fake('losing', 'loses a row', 'embedded'),
    fake('hanging', 'hangs', 'server'),
    { ...fake('absent', 'none', 'server'), missing: () => ({ what: 'absent-server', install: 'apt-get install absent-server' }) },
  ],
  scenarios: [STORE, IDLE],
};

export const CATALOGUE_URL = import.meta.url;

function fake(name: string, fault: Fault, kind: System['kind']): System {
  return {
    name,
    title: `The ${name} one`,
    kind,
    durability: 'of the file system',
    isolation: 'none',
    missing: () => undefined,
    configuration: ['fake'],
    packages: [],
    bestConnections: [1],
    ways: () => ['slow', 'fast'],
    server:
      kind === 'embedded'
        ? undefined
        : {
            users: [],
            stopSignal: 'SIGTERM',
            prepare: () => [],
            command: ({ port }) => ({ program: process.execPath, arguments: ['-e', LISTEN, String(port)] }),
            probe: ({ port }) => probePort(port),
          },
    open: async (place) => {
      if (fault === 'no session') throw new Error('the door is shut');
      return sessionOf(place, fault);
    },
  };
}

function sessionOf({ directory }: Place, fault: Fault): FakeSession {
  const refuse = async (): Promise<never> => {
    throw new Error('a fake has no tables');
  };
  const fileOf = (run: string): string => join(directory, run);
  return {
    version: '1.0',
    fault,
    store: (run, numbers) => appendFileSync(fileOf(run), numbers.map((number) => `${number}\n`).join('')),
    stored: (run) => (existsSync(fileOf(run)) ? readFileSync(fileOf(run), 'utf8').trimEnd().split('\n').map(Number) : []),
    openGoods: refuse,
    openItems: refuse,
    openHotRows: refuse,
    close: async () => {},
  };
}

async function store(opened: FakeSession, { run, way }: Task): Promise<Measurement> {
  const isRound = run.includes('_r');
  if (isRound && opened.fault === 'error in a round') throw new Error('the disk is made of cheese');
  if (isRound && opened.fault === 'driver ends') process.exit(3);
  if (isRound && opened.fault === 'hangs') await delay(600_000);
  const numbers = Array.from({ length: NUMBERS }, (_, index) => index);
  opened.store(run, isRound && opened.fault === 'loses a row' ? numbers.slice(1) : numbers);
  return figures(way.name === 'fast' ? 1 : 2, numbers);
}

function figures(seconds: number, told: unknown): Measurement {
  return { figures: { seconds: { value: seconds, unit: 's', better: 'lower' } }, counts: { numbers: NUMBERS }, told };
}

function count(opened: FakeSession, { run }: Task): Recount {
  const found = new Set(opened.stored(run));
  return { acknowledged: NUMBERS, verified: found.size, lost: NUMBERS - found.size, wrong: 0 };
}
