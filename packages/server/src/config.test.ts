import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CONFIG_KEYS, describeRule, flagOf, variableOf } from './config-keys.ts';
import { checkConfig, loadConfig } from './config.ts';
import { temporaryDirectory } from './wire-client.test.ts';

const defaults = Object.fromEntries(CONFIG_KEYS.map((entry) => [entry.key, entry.default]));

test('The table in the header of config-keys.ts says what the keys are, their defaults and what is allowed', () => {
  const header = readFileSync(new URL('config-keys.ts', import.meta.url), 'utf8').split('*/', 1)[0] ?? '';
  const rows = header.matchAll(/^ \* \| (\w+) \| (.+) \| (.+) \|$/gm).filter(([, key]) => key !== 'key');
  const expected = CONFIG_KEYS.map(({ key, rule, default: value }) => [key, String(value), describeRule(rule)]);
  assert.deepEqual(rows.map(([, key, value, allowed]) => [key, value, allowed?.replace(/, and at least .*$/, '')]).toArray(), expected);
});

test('loadConfig() puts flags before the environment, that before the file, that before the defaults', (context) => {
  const file = join(temporaryDirectory(context), 'k-lani.yaml');
  writeFileSync(file, 'maxConnections: 1\nmaxHandles: 2\nmaxCursors: 3\nlisten:\n  - tcp://[::1]:0\n  - unix:/run/k-lani.sock\n');
  assert.deepEqual(loadConfig(), defaults);
  const environment = { K_LANI_CONFIG: file, K_LANI_MAX_HANDLES: '20', K_LANI_MAX_CURSORS: '30', PATH: '/bin' };
  assert.deepEqual(loadConfig({ environment, flags: { maxCursors: '300', durability: 'os' } }), {
    ...defaults,
    maxConnections: 1,
    maxHandles: 20,
    maxCursors: 300,
    durability: 'os',
    listen: ['tcp://[::1]:0', 'unix:/run/k-lani.sock'],
  });
  assert.deepEqual(loadConfig({ flags: { listen: 'tcp://127.0.0.1:1, unix:/a' } }).listen, ['tcp://127.0.0.1:1', 'unix:/a']);
});

test('loadConfig() refuses unknown keys and values that are not allowed, and names them', (context) => {
  const directory = temporaryDirectory(context);
  let count = 0;
  const file = (text: string) => {
    count += 1;
    const path = join(directory, `${count}.yaml`);
    writeFileSync(path, text);
    return { file: path };
  };
  const bad: [Parameters<typeof loadConfig>[0], RegExp][] = [
    [file('maxConections: 1'), /key maxConections of .*yaml is not known, must be one of data, listen/],
    [file('maxConnections: 0'), /maxConnections \(key maxConnections of .*yaml\) is 0, must be 1 to 65536/],
    [file('maxConnections: many'), /is "many", must be 1 to 65536/],
    [file('maxConnections: 1\nmaxConnections: 2'), /must be unique/],
    [file('- 1'), /it is \[1\], must be keys with values/],
    [file('listen: http://x'), /Cannot listen on "http:\/\/x": must be tcp:\/\/HOST:PORT or unix:\/PATH/],
    [file('listen: []'), /listen .* is \[\], must be a list of tcp/],
    [file(`listen: unix:/${'x'.repeat(107)}`), /its path has 108 bytes, must have <= 107/],
    [file('durability: maybe'), /is "maybe", must be fsync, os/],
    [file('segmentSizeBytes: 65537'), /must be a power of two, 65536 to 1073741824/],
    [{ file: join(directory, 'missing.yaml') }, /ENOENT/],
    [
      { environment: { K_LANI_MAX_CONECTIONS: '1' } },
      /variable K_LANI_MAX_CONECTIONS is not known, must be one of K_LANI_CONFIG, K_LANI_DATA/,
    ],
    [{ environment: { K_LANI_MAX_CONNECTIONS: '1e3' } }, /maxConnections \(K_LANI_MAX_CONNECTIONS\) is "1e3"/],
    [{ flags: { history: 'newest' } }, /history \(--history\) is "newest", must be all, latest, or a number of days, 1 to 36500/],
    [file('history: 0'), /is 0, must be all, latest, or a number of days/],
    [{ flags: { logLevel: 'loud' } }, /logLevel \(--log-level\) is "loud", must be silent, fatal/],
    [{ flags: { maxOutputBytes: '8192' } }, /maxOutputBytes is 8192, must be at least twice maxResponseBytes, 33554432/],
  ];
  for (const [sources, message] of bad) assert.throws(() => loadConfig(sources), { code: 'InvalidConfiguration', message });
  assert.throws(() => checkConfig({ maxInFlight: 1.5 }), {
    code: 'InvalidConfiguration',
    message: /maxInFlight is 1.5, must be 1 to 65536/,
  });
});

test('history is a policy or a number of days, archive a directory or none', () => {
  assert.equal(loadConfig({ flags: { history: '30' } }).history, 30);
  assert.equal(checkConfig({ history: 7 }).history, 7);
  assert.equal(loadConfig({ flags: { history: 'latest' } }).history, 'latest');
  assert.equal(loadConfig().archive, 'none');
  assert.equal(loadConfig({ environment: { K_LANI_ARCHIVE: '/archive' } }).archive, '/archive');
});

test('A key has one flag and one variable', () => {
  assert.equal(flagOf('maxResponseBytes'), '--max-response-bytes');
  assert.equal(variableOf('maxResponseBytes'), 'K_LANI_MAX_RESPONSE_BYTES');
});
