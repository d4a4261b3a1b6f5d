import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { decodeRawLog, encodeRawLog } from './raw-log.ts';
import { SAMPLE_LOG } from './sample-log.ts';

test('decodeRawLog() gives back what encodeRawLog() wrote', () => {
  assert.deepEqual(decodeRawLog(encodeRawLog(SAMPLE_LOG)), SAMPLE_LOG);
});

test('encodeRawLog() writes one object with one key a line, as the table says', () => {
  const lines = encodeRawLog(SAMPLE_LOG).split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines[1], '{"sale":[900,1,3,2,1]}');
  assert.equal(lines[4], '{"unknown":[251000,4,4]}');
  assert.equal(lines.at(-2), '{"row":[4,2,2,0,0]}');
  for (const line of lines) assert.equal(Object.keys(JSON.parse(line) as object).length, 1);
});

test('decodeRawLog() refuses a line that breaks a rule, with its number and the rule', () => {
  const lines = encodeRawLog(SAMPLE_LOG).trimEnd().split('\n');
  const refusal = (change: (copy: string[]) => void): string => {
    const copy = [...lines];
    change(copy);
    try {
      decodeRawLog(copy.join('\n'));
    } catch (error) {
      assert.ok(error instanceof KLaniError && error.code === 'InvalidArgument');
      return error.message;
    }
    return 'accepted';
  };
  const replace = (index: number, line: string): string => refusal((copy) => copy.splice(index, 1, line));
  assert.match(replace(1, '{"sale":[1,2,3]}'), /line 2: the list has 3 numbers, must be 5/);
  assert.match(replace(1, '{"sale":[1,2,3,4,-5]}'), /line 2: -5 is not a whole number >= 0/);
  assert.match(replace(1, '{"sold":[]}'), /line 2: "sold" is not a kind of line/);
  assert.match(replace(1, '{"sale":[1,2,3,4,5],"row":[]}'), /line 2: the line has 2 keys, must be 1/);
  assert.match(replace(1, '[]'), /line 2: the line must be an object/);
  assert.match(replace(1, '{'), /line 2: /);
  assert.match(replace(0, lines[1] ?? ''), /line 1: "run" must be the first line/);
  assert.match(replace(0, (lines[0] ?? '').replace('"format":1', '"format":2')), /line 1: format is 2, must be 1/);
  assert.match(replace(9, '{"window":{"timeUs":1,"dance":[]}}'), /line 10: "dance" is not a kind of request/);
  assert.match(
    refusal((copy) => copy.pop()),
    /ends without an "end" line/,
  );
  assert.match(
    refusal((copy) => copy.push(lines[1] ?? '')),
    /"sale" comes after "end"/,
  );
});
