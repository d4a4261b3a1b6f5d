import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { formatOperationId } from '@k-lani/protocol';
import { OperationIds } from './operation-ids.ts';

test('OperationIds gives each write another id, over many refills', () => {
  const ids = new OperationIds(new SeededRandom(1));
  const seen = new Set(Array.from({ length: 2000 }, () => formatOperationId(ids.next(undefined))));
  assert.equal(seen.size, 2000);
});

test('OperationIds gives the id that the caller chose, and refuses what is none', () => {
  const ids = new OperationIds(new SeededRandom(1));
  const chosen = '00112233445566778899aabbccddeeff';
  assert.equal(formatOperationId(ids.next(chosen)), chosen);
  assert.throws(() => ids.next('00112233'), { code: 'InvalidArgument' });
});
