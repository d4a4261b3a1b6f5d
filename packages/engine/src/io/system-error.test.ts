import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'node:test';
import { systemCallError, systemError, type Attempt } from './system-error.ts';

test('systemError() gives each code of the system the code of k-lani for what was wanted', () => {
  const { EACCES, EDQUOT, EIO, ENOENT, ENOSPC, EROFS } = constants.errno;
  const expected: readonly [number, Attempt['access'], string][] = [
    [ENOSPC, 'write', 'DiskFull'],
    [EDQUOT, 'write', 'DiskFull'],
    [EROFS, 'write', 'ReadOnly'],
    [EACCES, 'write', 'ReadOnly'],
    [EACCES, 'read', 'Io'],
    [ENOENT, 'read', 'NotFound'],
    [EIO, 'write', 'Io'],
    [ENOSPC, 'sync', 'Io'],
  ];
  for (const [errno, access, code] of expected) {
    assert.equal(systemError(systemCallError('call', errno, '/p'), { action: 'act', path: '/p', access }).code, code);
  }
});

test("systemError() names what failed, the system's code and the path, and keeps the cause", () => {
  const cause = systemCallError('flock', constants.errno.EIO, '/data/lock');
  const error = systemError(cause, { action: 'lock directory', path: '/data/lock', access: 'write' });
  assert.equal(error.message, 'Cannot lock directory: EIO (i/o error), path is /data/lock');
  assert.equal(error.cause, cause);
  assert.equal(error.retry, 'unknown');
});

test('systemError() throws on what does not come from the system', () => {
  const attempt: Attempt = { action: 'act', path: '/p', access: 'read' };
  assert.throws(() => systemError(new RangeError('a bug'), attempt), RangeError);
  const invalid = assert.throws.bind(undefined, () => readFileSync('\0'));
  invalid({ code: 'ERR_INVALID_ARG_VALUE' });
});
