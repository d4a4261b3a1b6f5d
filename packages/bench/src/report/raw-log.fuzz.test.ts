import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import * as fc from 'fast-check';
import { decodeRawLog, encodeRawLog, MARKS, type RawLog, REQUEST_KINDS, type RequestKind } from './raw-log.ts';
import { SAMPLE_LOG } from './sample-log.ts';

const plain = { noNullPrototype: true } as const;
const number = fc.nat();
const latencies = fc
  .array(fc.tuple(fc.constantFrom(...REQUEST_KINDS), fc.array(number, { minLength: 1, maxLength: 5 })))
  .map((entries) => new Map<RequestKind, number[]>(entries));
const runs = fc
  .tuple(number, fc.string(), fc.array(number))
  .map(([buyers, command, groupSizes]) => ({ ...SAMPLE_LOG.run, buyers, command, groupSizes }));
const logs: fc.Arbitrary<RawLog> = fc.record(
  {
    run: runs,
    machine: fc.constant(SAMPLE_LOG.machine),
    sales: fc.array(fc.record({ timeUs: number, buyer: number, rowId: number, group: number, unit: number }, plain)),
    unknown: fc.array(fc.record({ timeUs: number, buyer: number, rowId: number }, plain)),
    marks: fc.array(fc.record({ timeUs: number, what: fc.constantFrom(...MARKS), sold: number, inFlight: number }, plain)),
    windows: fc.array(fc.record({ timeUs: number, latenciesUs: latencies }, plain)),
    rows: fc.array(fc.record({ rowId: number, group: number, unit: number, isBooked: number, buyer: number }, plain)),
    end: fc.array(fc.string()).map((failures) => ({ ...SAMPLE_LOG.end, failures })),
  },
  plain,
);

test('decodeRawLog() gives back any log that encodeRawLog() wrote', () => {
  fc.assert(fc.property(logs, (log) => assert.deepEqual(decodeRawLog(encodeRawLog(log)), log)));
});

test('decodeRawLog() refuses damaged text with InvalidArgument, or reads it, and does nothing else', () => {
  const text = encodeRawLog(SAMPLE_LOG);
  const damage = fc.tuple(fc.nat({ max: text.length }), fc.nat({ max: 20 }), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(damage, ([start, length, inserted]) => {
      try {
        decodeRawLog(text.slice(0, start) + inserted + text.slice(start + length));
      } catch (error) {
        assert.ok(error instanceof KLaniError && error.code === 'InvalidArgument', String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
