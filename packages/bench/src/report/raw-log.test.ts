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
  assert.equal(lines[2], '{"sale":[900,1,3,2,1]}');
  assert.equal(lines[5], '{"unknown":[251000,4,4]}');
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
  assert.match(replace(2, '{"sale":[1,2,3]}'), /line 3: the list has 3 numbers, must be 5/);
  assert.match(replace(2, '{"sale":[1,2,3,4,-5]}'), /line 3: -5 is not a whole number >= 0/);
  assert.match(replace(2, '{"sold":[]}'), /line 3: "sold" is not a kind of line/);
  assert.match(replace(2, '{"sale":[1,2,3,4,5],"row":[]}'), /line 3: the line has 2 keys, must be 1/);
  assert.match(replace(2, '[]'), /line 3: the line must be an object/);
  assert.match(replace(2, '{'), /line 3: /);
  assert.match(replace(0, lines[2] ?? ''), /line 1: "run" must be the first line/);
  assert.match(replace(0, (lines[0] ?? '').replace('"format":2', '"format":1')), /line 1: format is 1, must be 2/);
  assert.match(replace(10, '{"window":{"timeUs":1,"dance":[]}}'), /line 11: "dance" is not a kind of request/);
  assert.match(replace(2, lines[1] ?? ''), /line 3: "machine" comes twice/);
  assert.match(
    refusal((copy) => copy.splice(1, 1)),
    /no "machine" line/,
  );
  assert.match(
    refusal((copy) => copy.pop()),
    /ends without an "end" line/,
  );
  assert.match(
    refusal((copy) => copy.push(lines[2] ?? '')),
    /"sale" comes after "end"/,
  );
});
