import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { decodeChangeAnswer, decodeOperationStatusAnswer, encodeOperationStatusRequest, Opcode } from '@k-lani/protocol';
import { HeldDisk } from './held-disk.test.ts';
import { SERVER_VERSION } from './server-version.ts';
import { newOperationId, openClient, openServer, seat, SEATS, soughtRow, temporaryDirectory, WireClient } from './wire-client.test.ts';

test('SERVER_VERSION is the version of the package', () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.ok(typeof manifest === 'object' && manifest !== null && 'version' in manifest);
  assert.equal(SERVER_VERSION, manifest.version);
});

test('A server serves several addresses at once, TCP and Unix sockets', async (context) => {
  const path = join(temporaryDirectory(context), 'k-lani.sock');
  const server = await openServer(context, { listen: [`unix:${path}`, 'tcp://127.0.0.1:0'] });
  const [unix = '', tcp = ''] = server.addresses;
  assert.equal(unix, `unix:${path}`);
  assert.match(tcp, /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const overUnix = await openClient(context, server);
  const table = await overUnix.create(SEATS);
  await overUnix.append(table, seat(1));
  const overTcp = await WireClient.connect(tcp);
  context.after(() => overTcp.close());
  await overTcp.greet('tcp');
  const shared = await overTcp.openTable(SEATS);
  assert.equal(soughtRow(await overTcp.seek(shared, 1), shared).row.seat_no, 1);
  await server.close();
  assert.equal(existsSync(path), false);
});

test('The socket file of a killed server is replaced; that of a living one, and any other file, is AddressInUse', async (context) => {
  const path = join(temporaryDirectory(context), 'k-lani.sock');
  const listen = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('listening'))`;
  const killed = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  await assert.rejects(openServer(context, { listen: [`unix:${path}`] }), { code: 'AddressInUse' });
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  assert.ok(existsSync(path));
  const server = await openServer(context, { listen: [`unix:${path}`] });
  assert.equal((await (await openClient(context, server)).call(Opcode.ListTables)).status, 0);

  const file = join(temporaryDirectory(context), 'notes.txt');
  writeFileSync(file, 'mine');
  await assert.rejects(openServer(context, { listen: [`unix:${file}`] }), { code: 'AddressInUse' });
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

test('A port in use is AddressInUse before the database is touched, and nothing stays open', async (context) => {
  const taken = createServer().listen(0, '127.0.0.1');
  context.after(() => taken.close());
  await once(taken, 'listening');
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  const directory = temporaryDirectory(context);
  const path = join(directory, 'k-lani.sock');
  const data = join(directory, 'data');
  const listen = [`unix:${path}`, `tcp://127.0.0.1:${address.port}`];
  await assert.rejects(openServer(context, { listen, data }), { code: 'AddressInUse', message: new RegExp(String(address.port)) });
  assert.equal(existsSync(data), false);
  const server = await openServer(context, { listen: [`unix:${path}`], data });
  assert.equal((await (await openClient(context, server)).call(Opcode.ListTables)).status, 0);
});

test('A second server on the same directory is DirectoryLocked and leaves its address free', async (context) => {
  const directory = temporaryDirectory(context);
  const data = join(directory, 'data');
  const server = await openServer(context, { data });
  const path = join(directory, 'second.sock');
  await assert.rejects(openServer(context, { data, listen: [`unix:${path}`] }), {
    code: 'DirectoryLocked',
    message: new RegExp(String(process.pid)),
  });
  assert.equal(existsSync(path), false);
  await server.close();
  const again = await openServer(context, { data, listen: [`unix:${path}`] });
  assert.equal((await openClient(context, again)).handshake?.epoch, 2);
});

test('A write asked again after a restart gets its first answer, and another request under its id is refused', async (context) => {
  const data = join(temporaryDirectory(context), 'data');
  const server = await openServer(context, { data });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  const id = newOperationId();
  const claimId = newOperationId();
  const first = (await client.append(table, seat(1), id)).read(decodeChangeAnswer);
  const line = { where: [{ field: 'is_booked', eq: 0 }] as const, set: { is_booked: 1 }, count: 1 };
  const claimed = await client.claim(table, [line], { operationId: claimId, returnRows: true });
  await server.close();

  const restarted = await openServer(context, { data });
  const again = await openClient(context, restarted);
  // Another handle in between, so that the numbers of the handles differ.
  await again.create(SEATS);
  const shared = await again.openTable(SEATS);
  assert.notEqual(shared.handle, table.handle);
  assert.deepEqual((await again.append(shared, seat(1), id)).read(decodeChangeAnswer), first);
  const repeated = await again.claim(shared, [line], { operationId: claimId, returnRows: true });
  assert.equal(repeated.status, 0);
  assert.deepEqual(repeated.payload, claimed.payload);
  assert.equal((await again.append(shared, seat(2), id)).code, 'OperationMismatch');
  const status = await again.call(Opcode.OperationStatus, (writer) => encodeOperationStatusRequest(writer, claimId));
  assert.equal(status.read(decodeOperationStatusAnswer).state, 'done');
});

test('close() gives the answers of what is in flight, refuses newcomers, and leaves a cleanly closed database', async (context) => {
  const disk = new HeldDisk();
  const data = join(temporaryDirectory(context), 'data');
  const server = await openServer(context, { data }, { io: disk.io });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  disk.hold();
  const writes = [1, 2, 3].map((number) => client.append(table, seat(number)));
  await disk.waiting();
  const closed = server.close();
  assert.equal(server.close(), closed);
  await assert.rejects(WireClient.connect(server), { code: 'ECONNREFUSED' });
  disk.release();
  assert.deepEqual(
    (await Promise.all(writes)).map(({ status }) => status),
    [0, 0, 0],
  );
  await client.ended;
  await closed;
  const again = await openServer(context, { data });
  assert.equal(again.stats.tables[0]?.liveRows, 3);
});
