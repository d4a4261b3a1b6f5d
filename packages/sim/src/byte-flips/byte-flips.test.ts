import assert from 'node:assert/strict';
import test from 'node:test';
import { fateOf } from './flip.ts';
import { makeSubjects } from './subject.ts';
import { flipSpan, type Span } from './tally.ts';

/** Bytes at the beginning of a file that are all flipped: headers. */
const HEAD_BYTES = 300;
/** Of the other bytes, one in so many is. */
const STEP = 499;

test('every flipped byte is reported, rebuilt or concerns nothing, and none is read as data', async (context) => {
  for (const subject of await makeSubjects()) {
    const outcomes = new Set<string>();
    for (const [file, bytes] of subject.files) {
      const spans: Span[] = [
        { file, start: 0, end: Math.min(HEAD_BYTES, bytes.length), step: 7, isEveryBit: false },
        { file, start: HEAD_BYTES, end: bytes.length, step: STEP, isEveryBit: false },
      ];
      if (file === subject.lastBatch.file) {
        spans.push({ file, start: subject.lastBatch.start, end: subject.lastBatch.end, step: 17, isEveryBit: false });
      }
      for (const span of spans) {
        const tally = await flipSpan(subject, span);
        assert.deepEqual(tally.wrong, []);
        for (const { outcome } of tally.rows) outcomes.add(outcome);
      }
    }
    context.diagnostic(`${subject.name}: ${[...outcomes].join(', ')}`);
    const must = subject.modelBefore === undefined ? ['opening', 'passed over', 'rebuilt'] : ['opening', 'last batch', 'rebuilt'];
    for (const outcome of must) assert.ok(outcomes.has(outcome), `${subject.name}: none is ${outcome}`);
  }
});

test('the check of a flip notices a database that shows something else', async () => {
  const [subject] = await makeSubjects();
  assert.ok(subject !== undefined);
  const flip = { file: '0000000004.segment', offset: 64, mask: 1 };
  assert.equal((await fateOf(subject, flip)).outcome, 'passed over');
  assert.equal((await fateOf({ ...subject, model: subject.model.replace('lock', 'luck') }, flip)).outcome, 'wrong');
  assert.equal((await fateOf({ ...subject, report: '' }, flip)).outcome, 'wrong');
});
