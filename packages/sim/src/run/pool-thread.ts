/** A thread of the pool: carries out the plans that it is sent, one after the other. */
import { parentPort } from 'node:worker_threads';
import { judge } from './judge.ts';
import type { Plan } from './plan.ts';

parentPort?.on('message', (plan: Plan) => {
  void judge(plan).then((verdict) => parentPort?.postMessage(verdict, []));
});
