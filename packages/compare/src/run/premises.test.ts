import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { freePorts } from './premises.ts';
import { serverUser } from './users.ts';
import { allocatedBytes, installedBytes } from './weighing.ts';

test('ports that are found differ, and are within bounds', async () => {
  const ports = await freePorts(20, undefined);
  assert.equal(new Set(ports).size, 20);
  await assert.rejects(freePorts(2, 65_535), { code: 'InvalidArgument', message: /65535 to 65536, must be 1 to 65535/ });
});

test('a server that does not mind root runs as whoever runs it; root finds another user for the others', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\npostgres:x:101:104::/:/bin/sh\n';
  assert.equal(serverUser([], passwd, 0), undefined);
  assert.equal(serverUser(['postgres'], passwd, 1000), undefined);
  assert.deepEqual(serverUser(['postgres'], passwd, 0), { name: 'postgres', uid: 101, gid: 104 });
  assert.deepEqual(serverUser(['mysql'], passwd, 0), { name: 'nobody', uid: 65_534, gid: 65_533 });
  assert.throws(() => serverUser(['mysql'], 'root:x:0:0::/root:/bin/sh\n', 0), /no user mysql or nobody/);
});

test('a directory weighs what its files have been given on disk, and a package what its files hold', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-compare-test-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'a'), Buffer.alloc(100_000, 1));
  writeFileSync(join(directory, 'b.test.ts'), 'not installed');
  assert(allocatedBytes(directory) >= 100_000);
  assert(allocatedBytes(directory) < 200_000);
  assert.equal(installedBytes([{ directory }]), 100_000);
});
