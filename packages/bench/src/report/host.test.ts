import assert from 'node:assert/strict';
import test from 'node:test';
import { describeHost, filesystemIn, filesystemOf } from './host.ts';

const MOUNTS = `22 1 254:1 / / rw,relatime - ext4 /dev/root rw
30 22 0:26 / /run rw,nosuid - tmpfs tmpfs rw
31 30 0:27 / /run/user\\0401 rw - ramfs none rw
32 22 254:2 / /data rw shared:7 - xfs /dev/other rw
33 22 254:3 / /data rw shared:8 - btrfs /dev/later rw
`;

test('filesystemIn() names the innermost mount, and of two on one place the later one', () => {
  assert.equal(filesystemIn(MOUNTS, '/home/someone'), 'ext4');
  assert.equal(filesystemIn(MOUNTS, '/run/lock'), 'tmpfs');
  assert.equal(filesystemIn(MOUNTS, '/run/user 1/x'), 'ramfs');
  assert.equal(filesystemIn(MOUNTS, '/data/bench'), 'btrfs');
  assert.equal(filesystemIn(MOUNTS, '/database'), 'ext4');
  assert.equal(filesystemIn('', '/'), 'unknown');
});

test('filesystemOf() and describeHost() say something of this machine', () => {
  assert.match(filesystemOf('.'), /^\w/);
  const host = describeHost();
  assert.ok(host.cores > 0 && host.memoryBytes > 0 && host.cpu.length > 0 && host.kernel.length > 0);
});
