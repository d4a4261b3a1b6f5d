import assert from 'node:assert/strict';
import test from 'node:test';
import { catalogue } from './catalogue.ts';
import { readOptions, USAGE } from './options.ts';

const read = (...words: string[]) => readOptions(words, catalogue, Date.UTC(2026, 0, 2));

test('without options everything is compared, three rounds at the published sizes', () => {
  const request = read();
  assert(request.kind === 'run');
  const { systems, scenarios, rounds, repeats, size, seed, log, command } = request.options;
  assert.deepEqual([systems, scenarios], [catalogue.systems, catalogue.scenarios]);
  assert.deepEqual([rounds, repeats, size, seed], [3, 100, 'published', 1]);
  assert.equal(log, 'compare-2026-01-02T00-00-00-000Z.ndjson');
  assert.equal(command, 'npm run bench:compare');
});

test('systems and scenarios are chosen by name, in the order of the catalogue', () => {
  const request = read('--systems', 'redis,k-lani', '--scenarios', 'mixed,concert-loop-8', '--small');
  assert(request.kind === 'run');
  const { systems, scenarios, size, rounds, command } = request.options;
  assert.deepEqual(
    [...systems, ...scenarios].map(({ name }) => name),
    ['k-lani', 'redis', 'concert-loop-8', 'mixed'],
  );
  assert.deepEqual([size, rounds], ['small', 1]);
  assert.equal(command, 'npm run bench:compare -- --systems redis,k-lani --scenarios mixed,concert-loop-8 --small');
});

test('a wrong option is refused with its value and what it must be', () => {
  for (const [words, message] of [
    [['--systems', 'oracle'], /--systems has "oracle", must be of k-lani, redis/],
    [['--scenarios', ''], /--scenarios has "", must be of/],
    [['--rounds', '0'], /--rounds is 0, must be a whole number, 1 to 100/],
    [['--rounds', '2.5'], /--rounds is 2\.5/],
    [['--repeats', '10001'], /1 to 10000/],
    [['--first-port', '70000'], /--first-port is 70000, must be a whole number, 1 to 65535/],
    [['--speed'], /--speed/],
    [['stray'], /stray/],
  ] as const) {
    assert.throws(() => read(...words), { code: 'InvalidArgument', message });
  }
});

test('the usage names every option', () => {
  assert.equal(read('--help').kind, 'help');
  assert.equal(read('--list').kind, 'list');
  assert.deepEqual(read('--tables', 'a.ndjson', '--write', 'docs'), { kind: 'tables', log: 'a.ndjson', write: 'docs' });
  for (const name of [
    'systems',
    'scenarios',
    'rounds',
    'repeats',
    'small',
    'seed',
    'log',
    'data',
    'first-port',
    'write',
    'tables',
    'list',
  ]) {
    assert.match(USAGE, new RegExp(`--${name} `));
  }
});
