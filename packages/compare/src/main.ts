/** `npm run bench:compare`: k-lani side by side with what else people would use. */
import { parseArgs } from 'node:util';
import { catalogue, CATALOGUE_URL } from './catalogue.ts';
import { runComparison } from './run/comparison.ts';

const { values } = parseArgs({
  options: {
    systems: { type: 'string' },
    scenarios: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '100' },
    small: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    log: { type: 'string', default: `compare-${Date.now()}.ndjson` },
  },
});
const pick = <T extends { name: string }>(all: readonly T[], names: string | undefined): readonly T[] =>
  names === undefined ? all : all.filter(({ name }) => names.split(',').includes(name));
const over = new AbortController();
process.once('SIGINT', () => over.abort(new Error('interrupted')));
const outcome = await runComparison(
  {
    systems: pick(catalogue.systems, values.systems),
    scenarios: pick(catalogue.scenarios, values.scenarios),
    rounds: Number(values.rounds),
    repeats: Number(values.repeats),
    size: values.small ? 'small' : 'published',
    seed: Number(values.seed),
    log: values.log,
    directory: undefined,
    firstPort: undefined,
    command: 'npm run bench:compare',
  },
  {
    catalogue,
    catalogueUrl: CATALOGUE_URL,
    signal: over.signal,
    progress: (text) => console.error(text),
    tell: (text) => console.error(`! ${text}`),
  },
);
console.log(outcome);
