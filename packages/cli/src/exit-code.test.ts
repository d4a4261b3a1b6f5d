import assert from 'node:assert/strict';
import test from 'node:test';
import { errorCodes, KLaniError } from '@k-lani/protocol';
import { EXIT_CODE_MEANINGS, ExitCode, exitCodeOf } from './exit-code.ts';

test('every exit code has one meaning, in the order of the numbers', () => {
  const codes = EXIT_CODE_MEANINGS.map(({ code }) => code);
  assert.deepEqual(
    codes,
    Object.values(ExitCode).toSorted((a, b) => a - b),
  );
});

test('exitCodeOf() tells by every error whether asking again can help', () => {
  for (const code of errorCodes()) {
    const error = new KLaniError(code, 'Cannot do it');
    const exitCode = exitCodeOf(error);
    if (error.retry === 'safe') assert.equal(exitCode, ExitCode.notNow, code);
    else assert.notEqual(exitCode, ExitCode.notNow, code);
    assert.notEqual(exitCode, ExitCode.done, code);
    assert.notEqual(exitCode, ExitCode.bug, code);
  }
  assert.equal(exitCodeOf(new KLaniError('OutcomeUnknown', 'Cannot know')), ExitCode.unknown);
  assert.equal(exitCodeOf(new KLaniError('Damaged', 'Cannot open')), ExitCode.damaged);
  assert.equal(exitCodeOf(new TypeError('x is not a function')), ExitCode.bug);
});
