/** `driver-process.ts CATALOGUE`: opens a system and measures it, as it is told by the process that forked it; ends with that process. */
import type { Catalogue } from '../catalogue.ts';
import type { Session } from '../systems/system.ts';
import type { Answer, Order, Results } from './driver-messages.ts';

const [, , catalogueUrl = ''] = process.argv;
const { catalogue } = (await import(catalogueUrl)) as { readonly catalogue: Catalogue };
let opened: Session | undefined;

async function carryOut(order: Order): Promise<Results[Order['do']]> {
  if (order.do === 'open') {
    const system = named(catalogue.systems, order.system);
    opened = await system.open(order.place);
    return opened.version;
  }
  if (opened === undefined) throw new Error(`Cannot ${order.do}: the system is not open`);
  if (order.do === 'close') {
    await opened.close();
    opened = undefined;
    return undefined;
  }
  const scenario = named(catalogue.scenarios, order.scenario);
  if (order.do === 'measure') return scenario.measure(opened, order.task);
  if (scenario.recount === undefined) throw new Error(`Cannot recount ${order.scenario}: it writes nothing`);
  return scenario.recount(opened, order.task, order.told);
}

function named<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`Cannot find "${name}" in ${catalogueUrl}`);
  return found;
}

async function answer(order: Order): Promise<Answer> {
  try {
    return { result: await carryOut(order) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (order: Order) => {
  void answer(order).then((said) => process.send?.(said));
});
process.once('disconnect', () => process.exit());
