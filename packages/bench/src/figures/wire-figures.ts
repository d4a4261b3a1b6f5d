/**
 * What the engine costs over a wire, against two yardsticks of the same run: *raw*, a hand-written socket loop against a server that echoes
 * without decoding, and *echo*, our client against that server. Frames of the same size, the same connections and depth. Ratios are taken
 * round by round, because a shared machine is not equally fast for long; what is printed is the round in the middle.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type RemoteTable } from 'k-lani-client';
import type { BenchEnvironment } from '../bench-run.ts';
import { CONCERT_DEFAULTS, SEATS, runConcert, type ConcertOptions } from '../concert.ts';
import type { SpawnServer } from '../storm/server-process.ts';
import { echoFrameSizeBytes, runEchoLoop } from '../yardstick/echo-loop.ts';
import { forkEchoServer } from '../yardstick/echo-server.ts';
import { runRawLoop, type LoadShape } from '../yardstick/raw-loop.ts';
import { medianOf, type Figure } from './figure.ts';

const ECHOED = { schema: SEATS, row: { rank: 1, seat_no: 1, is_booked: 0, buyer: 0 } };
const ROWS = 10_000;
const ROUNDS = 11;
/** Rounds before those that count: both sides compile while they work. */
const WARM_UP_ROUNDS = 3;
const CONCERTS = 5;
/** A server that has just started sells its first concert while it compiles; one after so many is as fast as it gets. */
const REHEARSALS = 5;
/** Lets the processors come to rest between two measurements. */
const REST_MS = 100;

type Shape = Omit<LoadShape, 'frameSizeBytes'>;

const ONE: Shape = { connections: 1, depth: 1, requests: 10_000 };
const PIPELINED: Shape = { connections: 8, depth: 16, requests: 200_000 };
const MANY: Shape = { connections: 128, depth: 1, requests: 60_000 };

/** What one shape of load came to, in requests a second and microseconds at the median. */
interface Measured {
  readonly perSecond: number;
  readonly p50Us: number;
}

/** Measures all shapes in turn, several rounds. */
export async function wireFigures(directory: string, spawnServer: SpawnServer): Promise<Figure[]> {
  const server = await spawnServer({ directory: join(directory, 'reads'), listen: 'tcp://127.0.0.1:0', durability: 'fsync' });
  const echo = await forkEchoServer();
  try {
    await loadRows(server.address);
    const one = await compare(ONE, echo.url, server.address);
    const pipelined = await compare(PIPELINED, echo.url, server.address);
    const many = await compare(MANY, echo.url, server.address);
    const client = middle(pipelined, ({ echo: echoed, raw }) => echoed.perSecond / raw.perSecond);
    const single = middle(one, ({ reads, raw }) => reads.p50Us / raw.p50Us);
    const deep = middle(pipelined, ({ reads, echo: echoed }) => reads.perSecond / echoed.perSecond);
    const wide = middle(many, ({ reads, raw }) => reads.perSecond / raw.perSecond);
    return [
      {
        name: 'client alone: echo of raw, 8 × 16',
        value: client.ratio,
        unit: '× raw',
        bound: 0.45,
        direction: 'atLeast',
        detail: `${rate(client.of.echo)} of ${rate(client.of.raw)}`,
      },
      {
        name: 'point read, one at a time, p50',
        value: single.ratio,
        unit: '× raw',
        bound: 1.25,
        direction: 'atMost',
        detail: `${micros(single.of.reads)}, raw ${micros(single.of.raw)}, echo ${micros(single.of.echo)}`,
      },
      {
        name: 'point reads, 8 × 16',
        value: deep.ratio,
        unit: '× echo',
        bound: 0.7,
        direction: 'atLeast',
        detail: `${rate(deep.of.reads)} of ${rate(deep.of.echo)}`,
      },
      {
        name: 'point reads, 128 connections × 1',
        value: wide.ratio,
        unit: '× raw',
        bound: 0.6,
        direction: 'atLeast',
        detail: `${rate(wide.of.reads)} of ${rate(wide.of.raw)}`,
      },
    ];
  } finally {
    await server.stop();
    await echo.close();
  }
}

/** The concert with every user asking, over 8 connections, against the echo of the same run; counting each request. */
export async function concertFigures(directory: string, environment: BenchEnvironment): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const flow of ['claim', 'loop'] as const) {
    const options: ConcertOptions = {
      ...CONCERT_DEFAULTS,
      flow,
      everyUser: true,
      connections: PIPELINED.connections,
      out: join(directory, `concert-${flow}`),
    };
    const first: ConcertRound[] = [];
    const rehearsed: ConcertRound[] = [];
    for (let round = 0; round < CONCERTS; round += 1) {
      first.push(await concertRound(options, environment));
      rehearsed.push(await concertRound({ ...options, rehearsals: REHEARSALS }, environment));
    }
    figures.push(
      concertFigure(`concert ${flow}, every user, server warm`, rehearsed),
      concertFigure(`concert ${flow}, every user, server new`, first),
    );
  }
  return figures;
}

/** A concert and the echo right before it, in requests a second. */
interface ConcertRound {
  readonly echo: number;
  readonly concert: number;
  readonly wallSecs: number;
}

async function concertRound(options: ConcertOptions, environment: BenchEnvironment): Promise<ConcertRound> {
  const echo = await echoRate();
  await delay(REST_MS);
  const { result, exitCode, failures } = await runConcert(options, environment);
  if (exitCode !== 0) throw new Error(`Cannot take the concert's figures: ${failures.join('; ')}`);
  return { echo, concert: result.figures.requestsPerSec, wallSecs: result.figures.wallSecs };
}

function concertFigure(name: string, rounds: readonly ConcertRound[]): Figure {
  const { ratio, of } = middle(rounds, ({ concert, echo }) => concert / echo);
  const detail = `${perSecondText(of.concert)} of ${perSecondText(of.echo)}, ${of.wallSecs.toFixed(2)} s`;
  return { name, value: ratio, unit: '× echo', bound: 0.5, direction: 'atLeast', detail };
}

async function echoRate(): Promise<number> {
  const echo = await forkEchoServer();
  try {
    return (await runEchoLoop(echo.url, PIPELINED, ECHOED)).perSecond;
  } finally {
    await echo.close();
  }
}

/** One round of a shape. */
interface Round {
  readonly raw: Measured;
  readonly echo: Measured;
  readonly reads: Measured;
}

async function compare(shape: Shape, echoUrl: string, serverUrl: string): Promise<Round[]> {
  const frameSizeBytes = echoFrameSizeBytes(ECHOED);
  const rounds: Round[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const raw = measured(await runRawLoop(echoUrl, { ...shape, frameSizeBytes }));
    await delay(REST_MS);
    const echo = measured(await runEchoLoop(echoUrl, shape, ECHOED));
    await delay(REST_MS);
    const reads = await runReads(serverUrl, shape);
    await delay(REST_MS);
    if (round >= WARM_UP_ROUNDS) rounds.push({ raw, echo, reads });
  }
  return rounds;
}

async function runReads(url: string, shape: Shape): Promise<Measured> {
  const clients = await Promise.all(Array.from({ length: shape.connections }, () => connect(url, { name: 'bench' })));
  try {
    const tables = await Promise.all(clients.map((client) => client.table(SEATS)));
    const timesUs = new Float64Array(shape.depth === 1 ? shape.requests : 0);
    const left = { requests: shape.requests };
    const startedMs = performance.now();
    await Promise.all(tables.flatMap((table) => Array.from({ length: shape.depth }, () => read(table, left, timesUs))));
    const seconds = (performance.now() - startedMs) / 1000;
    return { perSecond: shape.requests / seconds, p50Us: medianOf(timesUs.toSorted()) };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function read(table: RemoteTable<typeof SEATS>, left: { requests: number }, timesUs: Float64Array): Promise<void> {
  while (left.requests > 0) {
    left.requests -= 1;
    const place = left.requests;
    const startedMs = timesUs.length > 0 ? performance.now() : 0;
    const found = await table.seek(1 + ((place * 7919) % ROWS));
    if (found === undefined) throw new Error('Cannot read a row that was loaded');
    if (timesUs.length > 0) timesUs[place] = (performance.now() - startedMs) * 1000;
  }
}

async function loadRows(url: string): Promise<void> {
  await using client = await connect(url, { name: 'bench' });
  const table = await client.table(SEATS);
  await client.batch((batch) => {
    for (let seat = 1; seat <= ROWS; seat += 1) batch.append(table, { rank: seat % 10, seat_no: seat, is_booked: 0, buyer: 0 });
  });
}

function measured(result: { readonly perSecond: number; readonly roundTripsUs: Float64Array }): Measured {
  return { perSecond: result.perSecond, p50Us: medianOf(result.roundTripsUs) };
}

/** The one whose ratio is in the middle. */
function middle<T>(all: readonly T[], by: (one: T) => number): { readonly ratio: number; readonly of: T } {
  const found = all.toSorted((a, b) => by(a) - by(b))[all.length >> 1];
  if (found === undefined) throw new Error('Cannot take the middle of nothing');
  return { ratio: by(found), of: found };
}

function rate({ perSecond }: Measured): string {
  return perSecondText(perSecond);
}

function perSecondText(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en')}/s`;
}

function micros({ p50Us }: Measured): string {
  return `${p50Us.toFixed(1)} µs`;
}
