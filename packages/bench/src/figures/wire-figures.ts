/**
 * What the engine costs over a wire, against two yardsticks of the same run: *raw*, a hand-written socket loop against a server that echoes
 * without decoding, and *echo*, our client against that server. Frames of the same size, the same connections and depth.
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
const ROUNDS = 5;
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

/** Measures all shapes in turn, several rounds, and gives medians. */
export async function wireFigures(directory: string, spawnServer: SpawnServer): Promise<Figure[]> {
  const server = await spawnServer({ directory: join(directory, 'reads'), listen: 'tcp://127.0.0.1:0', durability: 'fsync' });
  const echo = await forkEchoServer();
  try {
    await loadRows(server.address);
    const one = await compare(ONE, echo.url, server.address);
    const pipelined = await compare(PIPELINED, echo.url, server.address);
    const many = await compare(MANY, echo.url, server.address);
    return [
      {
        name: 'client alone: echo of raw, 8 × 16',
        value: pipelined.echo.perSecond / pipelined.raw.perSecond,
        unit: '× raw',
        bound: 0.45,
        direction: 'atLeast',
        detail: `${rate(pipelined.echo)} of ${rate(pipelined.raw)}`,
      },
      {
        name: 'point read, one at a time, p50',
        value: one.reads.p50Us / one.raw.p50Us,
        unit: '× raw',
        bound: 1.25,
        direction: 'atMost',
        detail: `${one.reads.p50Us.toFixed(1)} µs, raw ${one.raw.p50Us.toFixed(1)} µs, echo ${one.echo.p50Us.toFixed(1)} µs`,
      },
      {
        name: 'point reads, 8 × 16',
        value: pipelined.reads.perSecond / pipelined.echo.perSecond,
        unit: '× echo',
        bound: 0.7,
        direction: 'atLeast',
        detail: `${rate(pipelined.reads)} of ${rate(pipelined.echo)}`,
      },
      {
        name: 'point reads, 128 connections × 1',
        value: many.reads.perSecond / many.raw.perSecond,
        unit: '× raw',
        bound: 0.6,
        direction: 'atLeast',
        detail: `${rate(many.reads)} of ${rate(many.raw)}`,
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
    const ratios: { ratio: number; detail: string }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const echoed = await echoRate();
      await delay(REST_MS);
      const options: ConcertOptions = {
        ...CONCERT_DEFAULTS,
        flow,
        everyUser: true,
        connections: PIPELINED.connections,
        out: join(directory, `concert-${flow}`),
      };
      const { result, exitCode, failures } = await runConcert(options, environment);
      if (exitCode !== 0) throw new Error(`Cannot take the concert's figures: ${failures.join('; ')}`);
      const { requestsPerSec: perSecond, wallSecs } = result.figures;
      ratios.push({
        ratio: perSecond / echoed,
        detail: `${Math.round(perSecond).toLocaleString('en')}/s of ${Math.round(echoed).toLocaleString('en')}/s, ${wallSecs.toFixed(2)} s`,
      });
    }
    const { ratio, detail } = middle(ratios, (one) => one.ratio);
    figures.push({
      name: `concert ${flow}, every user, 8 connections`,
      value: ratio,
      unit: '× echo',
      bound: 0.5,
      direction: 'atLeast',
      detail,
    });
  }
  return figures;
}

async function echoRate(): Promise<number> {
  const echo = await forkEchoServer();
  try {
    return (await runEchoLoop(echo.url, PIPELINED, ECHOED)).perSecond;
  } finally {
    await echo.close();
  }
}

async function compare(shape: Shape, echoUrl: string, serverUrl: string): Promise<{ raw: Measured; echo: Measured; reads: Measured }> {
  const frameSizeBytes = echoFrameSizeBytes(ECHOED);
  const rounds: { raw: Measured; echo: Measured; reads: Measured }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const raw = measured(await runRawLoop(echoUrl, { ...shape, frameSizeBytes }));
    await delay(REST_MS);
    const echo = measured(await runEchoLoop(echoUrl, shape, ECHOED));
    await delay(REST_MS);
    const reads = await runReads(serverUrl, shape);
    await delay(REST_MS);
    // The first round warms up.
    if (round > 0) rounds.push({ raw, echo, reads });
  }
  return {
    raw: middleOf(rounds.map(({ raw }) => raw)),
    echo: middleOf(rounds.map(({ echo }) => echo)),
    reads: middleOf(rounds.map(({ reads }) => reads)),
  };
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

function middleOf(all: readonly Measured[]): Measured {
  return {
    perSecond: middle(all, ({ perSecond }) => perSecond).perSecond,
    p50Us: middle(all, ({ p50Us }) => p50Us).p50Us,
  };
}

function middle<T>(all: readonly T[], by: (one: T) => number): T {
  const found = all.toSorted((a, b) => by(a) - by(b))[all.length >> 1];
  if (found === undefined) throw new Error('Cannot take the middle of nothing');
  return found;
}

function rate({ perSecond }: Measured): string {
  return `${Math.round(perSecond).toLocaleString('en')}/s`;
}
