/** Every system with a server, as it is used in a comparison, at the small size: each scenario, each way, and again after SIGKILL. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { catalogue, CATALOGUE_URL } from '../catalogue.ts';
import { Contender } from '../run/contender.ts';
import { freePorts } from '../run/premises.ts';
import { isExact, type Scenario, type Task } from '../scenarios/scenario.ts';
import { concertGoods, holidayGoods } from './goods.ts';
import type { OpenGoods, Session, System } from './system.ts';

const HOST = '127.0.0.1';
const SEATS = 40;

for (const system of catalogue.systems.filter(({ kind }) => kind === 'server')) {
  const missing = system.missing();
  test(
    `${system.title} does every scenario in every way, and has all of it after SIGKILL`,
    { skip: missing === undefined ? false : `there is no ${missing.what}; ${missing.install}` },
    async (context) => {
      const directory = mkdtempSync(join(tmpdir(), 'k-lani-compare-test-'));
      const [port = 0] = await freePorts(1, undefined);
      const contender = await Contender.start(CATALOGUE_URL, system, { directory: join(directory, 'data'), port });
      context.after(async () => {
        await contender.kill();
        rmSync(directory, { recursive: true, force: true });
      });
      const done: { readonly scenario: Scenario; readonly task: Task; readonly told: unknown }[] = [];
      for (const { scenario, task } of tasksOf(system)) {
        const { figures, told } = await contender.measure(scenario, task);
        for (const [name, { value }] of Object.entries(figures)) {
          // The highest rate that was kept is 0 on a machine that is too busy for the lowest.
          const isNone = scenario.name === 'mixed' && name === 'rate' && value === 0;
          assert(isNone || value > 0, `${task.run}, ${task.way.name}: ${name} is ${value}`);
        }
        done.push({ scenario, task, told });
      }
      for (const [name, { value }] of Object.entries(contender.weigh(1))) assert(value > 0, `${name} is ${value}`);
      await contender.killAndRestart();
      for (const { scenario, task, told } of done) {
        if (scenario.recount === undefined) continue;
        const recount = await contender.recount(scenario, task, told);
        assert(isExact(recount), `${task.run}, ${task.way.name}: ${JSON.stringify(recount)}`);
        assert(recount.verified > 0, `${task.run}: nothing was acknowledged`);
      }
      await sellsOneByOne(system, port);
    },
  );
}

function tasksOf(system: System): { scenario: Scenario; task: Task }[] {
  return catalogue.scenarios
    .filter(({ kinds }) => kinds.includes('server'))
    .flatMap((scenario) =>
      system.ways(scenario.use).map((name, index) => {
        const run = `${scenario.name.replaceAll('-', '_')}_${index}`;
        const connections = Math.min(4, scenario.connections(system)[0] ?? 1);
        return { scenario, task: { run, size: 'small', seed: 7, way: { connections, name }, repeats: 2 } };
      }),
    );
}

/** What storms do not show: who holds a lock keeps others out, and nothing is sold beyond the last unit. */
async function sellsOneByOne(system: System, port: number): Promise<void> {
  const session = await system.open({ host: HOST, port, directory: '' });
  for (const [index, name] of system.ways('loop').entries()) await excludes(session, name, `excluding_${index}`);
  for (const [index, name] of system.ways('claim').entries()) await sellsOut(session, name, `out_${index}`);
  await session.close();
}

async function excludes(session: Session, name: string, run: string): Promise<void> {
  const goods = concertGoods(SEATS);
  const opened = await session.openGoods(goods, run, { connections: 2, name });
  const { market } = goods;
  const [rowId = 0] = await opened.appendAll([market.freeRow({ group: 1, unit: 1 })]);
  const terms = market.termsOf(1);
  const query = { limit: 64, spread: 3 };
  const [first, second] = [tableOf(opened, 0), tableOf(opened, 1)];
  assert.deepEqual(await first.queryIntersect(terms, query), [rowId]);
  const lock = await first.tryLock(rowId);
  assert(lock !== undefined);
  const other = await second.tryLock(rowId);
  const found = await lock.seek();
  assert(found !== undefined);
  if (other === undefined) {
    await lock.replace(market.soldRow(found.row, 5));
    await lock.unlock();
  } else {
    // An optimistic lock lets both in, and only the first of them write.
    const stale = await other.seek();
    await lock.replace(market.soldRow(found.row, 5));
    await assert.rejects(other.replace(market.soldRow(stale?.row ?? found.row, 6)), { code: 'StaleToken' });
    await lock.unlock();
  }
  assert.deepEqual(await first.queryIntersect(terms, query), []);
  assert.deepEqual(await buyersIn(opened, goods), [5]);
  const later = await second.tryLock(rowId);
  assert.equal((await later?.seek())?.row['is_booked'], 1);
  await later?.unlock();
  await opened.close();
}

async function sellsOut(session: Session, name: string, run: string): Promise<void> {
  const goods = holidayGoods(1, 3, 1);
  const opened = await session.openGoods(goods, run, { connections: 2, name });
  const { market } = goods;
  const rows = [1, 2, 3].map((unit) => ({ ...market.freeRow({ group: 1, unit }), price: 300 * unit }));
  const rowIds = await opened.appendAll(rows);
  const below = (lte: number) => [
    { field: 'hotel', eq: 1 },
    { field: 'is_booked', eq: 0 },
    { field: 'price', lte },
  ];
  const claim = (guest: number, ceiling: number) => tableOf(opened, guest).claim({ where: below(ceiling), set: market.saleTo(guest) });
  assert.equal((await claim(1, 100)).outcome, 'none_available');
  const sold = await claim(1, 300);
  assert(sold.outcome === 'claimed');
  assert.equal(sold.lines[0]?.[0]?.rowId, rowIds[0]);
  assert.equal((await claim(2, 300)).outcome, 'none_available');
  assert.equal((await claim(3, 1000)).outcome, 'claimed');
  assert.equal((await claim(4, 1000)).outcome, 'claimed');
  assert.equal((await claim(5, 1000)).outcome, 'none_available');
  assert.deepEqual(await buyersIn(opened, goods), [1, 3, 4]);
  await opened.close();
}

function tableOf({ tables }: OpenGoods, worker: number): OpenGoods['tables'][number] {
  const table = tables[worker % tables.length];
  assert(table !== undefined);
  return table;
}

async function buyersIn(opened: OpenGoods, { market }: ReturnType<typeof concertGoods>): Promise<number[]> {
  const buyers: number[] = [];
  for await (const { row } of opened.scan()) if (market.stateOf(row).isBooked) buyers.push(market.stateOf(row).buyer);
  return buyers.toSorted((a, b) => a - b);
}
