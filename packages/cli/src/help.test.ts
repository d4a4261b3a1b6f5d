import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { jsonLines, runCommand } from './command-process.fixture.ts';
import { EXIT_CODE_MEANINGS, ExitCode } from './exit-code.ts';
import { programFor } from './program.ts';

test('k-lani --version prints the version of its package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  const { code, stdout } = await runCommand(['--version']);
  assert.equal(stdout, `${version}\n`);
  assert.equal(code, 0);
});

test('k-lani without a command prints its help', async () => {
  const { code, stdout, stderr } = await runCommand([]);
  assert.match(stdout, /^Usage: k-lani/);
  assert.equal(stderr, '');
  assert.equal(code, 0);
});

test('every command has a help with an example that begins with its name', async () => {
  const root = await programFor([]);
  const leaves = root.commands.flatMap((command) =>
    command.commands.length === 0 ? [command.name()] : command.commands.map((below) => `${command.name()} ${below.name()}`),
  );
  assert.ok(leaves.length >= 13, leaves.join(', '));
  for (const name of leaves.filter((one) => one !== 'exit-codes')) {
    const command = name.split(' ').reduce((above, word) => above.commands.find((one) => one.name() === word) ?? above, root);
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part) });
    command.outputHelp();
    assert.match(text, new RegExp(`Examples:\\n  # .+\\n  k-lani ${name}`), name);
    assert.match(text, /--json/, name);
  }
});

test('k-lani loads only the command that is asked for', async () => {
  const root = await programFor(['--json', 'seek', 'seats', '1']);
  assert.deepEqual(
    root.commands.map((command) => command.name()),
    ['seek'],
  );
});

test('k-lani help exit-codes explains every exit code', async () => {
  const { stdout, code } = await runCommand(['help', 'exit-codes']);
  assert.equal(code, 0);
  for (const number of Object.values(ExitCode)) assert.match(stdout, new RegExp(`^ +${number}  \\w`, 'm'));
  const { stdout: json } = await runCommand(['exit-codes', '--json']);
  assert.deepEqual(jsonLines(json), EXIT_CODE_MEANINGS);
});

test('a command line that is wrong ends with exit code 2 and one line that says what and where to look', async () => {
  const wrong: [readonly string[], RegExp][] = [
    [['sek'], /unknown command 'sek' \(Did you mean seek\?\)\. "k-lani help" shows/],
    [['seek', 'seats'], /missing required argument 'rowid'\. "k-lani help seek" shows/],
    [['seek', 'seats', '0'], /an integer from 1 to 4294967294\. "k-lani help seek" shows/],
    [['query', 'seats', '--limt', '3'], /unknown option '--limt' \(Did you mean --limit\?\)/],
    [['bench', 'concert', '--flow', 'fast'], /Allowed choices are loop, claim/],
    [['table', 'drop'], /unknown command 'drop'/],
    [['stats', '--data', 'x', '--connect', 'tcp://h:1'], /--connect and --data exclude each other/],
  ];
  const results = await Promise.all(wrong.map(([words]) => runCommand(words)));
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    const [words, message] = wrong[index] ?? [[], /never/];
    assert.equal(code, ExitCode.usage, words.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, /^k-lani: InvalidArgument 0134: .*\n$/);
    assert.equal(stdout, '');
  }
});

test('with --json a wrong command line is told as JSON', async () => {
  const { code, stdout, stderr } = await runCommand(['seek', 'seats', '--json']);
  assert.equal(code, ExitCode.usage);
  assert.equal(stdout, '');
  const [failure] = jsonLines(stderr);
  assert.deepEqual(failure, {
    error: {
      code: 'InvalidArgument',
      number: 134,
      message: "Cannot read command line: missing required argument 'rowid'",
      retry: 'never',
    },
  });
});
