import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeChangeAnswer, decodeLockAnswer, decodeRow, decodeSeekAnswer, decodeClaimAnswer } from '@k-lani/protocol';
import { openClient, openServer, seat, SEATS } from './wire-client.test.ts';

test('A seat is queried, locked, read again, replaced and unlocked', async (context) => {
  const server = await openServer(context);
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  const appended = (await client.append(table, seat(1))).read(decodeChangeAnswer);
  assert.equal(appended.rowId, 1);
  const lock = (await client.lock(table, 1)).read(decodeLockAnswer);
  const answer = await client.seek(table, 1);
  const row = answer.read(decodeSeekAnswer);
  const value = decodeRow(table.layout, answer.payload, new DataView(answer.payload.buffer), row.rowStart, row.rowEnd - row.rowStart);
  assert.equal(value.seat_no, 1);
  const replaced = (await client.replace(table, { rowId: 1, ...lock }, { ...value, is_booked: 1, buyer: 'Ada' })).read(decodeChangeAnswer);
  assert.equal(replaced.version, 2);
  assert.equal((await client.unlock(table, 1, lock)).status, 0);
  assert.equal((await client.unlock(table, 1, lock)).code, 'NotLocked');
  const other = await openClient(context, server);
  const again = await other.openTable('seats');
  await other.append(again as typeof table, seat(2));
  const claimed = await other.claim(again as typeof table, [{ where: [{ field: 'is_booked', eq: 0 }], set: { is_booked: 1 }, count: 1 }]);
  console.log(claimed.read((reader) => decodeClaimAnswer(reader, false)));
});
