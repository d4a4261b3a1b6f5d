import assert from 'node:assert/strict';
import test from 'node:test';
import { peakResidentBytes, serverCommand } from './server-process.ts';

const OPTIONS = { directory: '/nowhere', listen: 'tcp://127.0.0.1:0', durability: 'fsync' } as const;

/** A command that runs a program given as text; its arguments come after. */
const program = (text: string): string[] => [process.execPath, '--eval', text, '--'];

const READY = `console.log(JSON.stringify({ listening: 'tcp://127.0.0.1:7' }));`;

test('serverCommand() starts the command with its arguments, and reads the address from the first line', async () => {
  const server = await serverCommand(
    program(`console.log(JSON.stringify({ listening: 'tcp://' + process.argv.slice(1).join('|') })); setInterval(() => {}, 1000);`),
  )(OPTIONS);
  assert.equal(server.address, 'tcp://serve|--data|/nowhere|--listen|tcp://127.0.0.1:0|--durability|fsync|--json');
  assert.ok(server.pid > 0);
  await server.kill();
  assert.match(await server.ended, /ended with SIGKILL/);
});

test('serverCommand() says what a server wrote that ended before it listened', async () => {
  const start = serverCommand(program(`console.error('the port is taken'); process.exit(3);`))(OPTIONS);
  await assert.rejects(start, /Cannot start the server: the process ended with exit code 3: the port is taken/);
});

test('serverCommand() refuses a first line that is no address, and ends the process', async () => {
  const start = serverCommand(program(`console.log('hello'); setInterval(() => {}, 1000);`))(OPTIONS);
  await assert.rejects(start, /it printed "hello", must be \{"listening": address\}/);
});

test('serverCommand() says that a program does not exist', async () => {
  await assert.rejects(serverCommand(['/nowhere/at-all'])(OPTIONS), /Cannot start the server: the process did not start: .*ENOENT/);
});

test('a server that is stopped may finish: it gets SIGTERM', async () => {
  const text = `process.on('SIGTERM', () => { console.error('finished'); process.exit(0); }); ${READY} setInterval(() => {}, 1000);`;
  const server = await serverCommand(program(text))(OPTIONS);
  await server.stop();
  assert.match(await server.ended, /ended with exit code 0: finished/);
});

test('a server that writes much to its output is not held up by it', async () => {
  const text = `${READY} for (let i = 0; i < 20000; i += 1) console.log('x'.repeat(100)); process.exitCode = 5;`;
  const server = await serverCommand(program(text))(OPTIONS);
  assert.match(await server.ended, /ended with exit code 5/);
});

test(
  'peakResidentBytes() tells the memory of a process, and nothing of one that is not there',
  { skip: process.platform !== 'linux' },
  () => {
    assert.ok((peakResidentBytes(process.pid) ?? 0) > 1_000_000);
    assert.equal(peakResidentBytes(2 ** 30), undefined);
  },
);
