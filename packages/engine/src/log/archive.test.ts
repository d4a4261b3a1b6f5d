import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Directory } from '../io/io.ts';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { SegmentArchive } from './archive.ts';
import { SEGMENT, appendRecord, giveUpFirst, openLog, temporaryDirectory } from './log.fixture.ts';
import { segmentName } from './segment.ts';
import { verifyLog } from './verify.ts';

const clock = new NodeClock();
const never = (): boolean => false;
const OTHER = { code: 'InvalidArgument', message: /does not end with the batch that it goes on behind; it belongs to another database/ };

/** A directory with a closed log that goes on into segment 5; it begins with the one in the directory `begun`. */
async function written(context: TestContext, begun?: string): Promise<Directory> {
  const path = temporaryDirectory(context);
  if (begun !== undefined) for (const name of readdirSync(begun)) writeFileSync(join(path, name), readFileSync(join(begun, name)));
  const directory = new NodeIo().openDirectory(path, { create: false });
  const log = await openLog(directory);
  while ((await appendRecord(log, new Uint8Array(3000).fill(1))) < 5 * SEGMENT);
  log.close();
  return directory;
}

function archiveOf(directory: Directory, path: string): SegmentArchive {
  return new SegmentArchive(directory, new NodeIo().openDirectory(path, { create: true }), clock);
}

const segmentsIn = (path: string): string[] => readdirSync(path).filter((name) => name.endsWith('.segment'));

test('SegmentArchive.take() goes on where the archive ends, also in another process, and the whole verifies (2, 4)', async (context) => {
  const [directory, path] = [await written(context), temporaryDirectory(context)];
  await archiveOf(directory, path).take(1, 3, never);
  await archiveOf(directory, path).take(3, 4, never);
  const again = archiveOf(directory, path);
  await again.take(3, 4, never);
  await again.take(4, 5, never);
  assert.deepEqual(segmentsIn(path), [1, 2, 3, 4].map(segmentName));
  assert.equal(verifyLog(path).segments, 4);
});

test('SegmentArchive.take() refuses a segment of another database, and of another history, and leaves the archive as it is (4)', async (context) => {
  const [directory, path] = [await written(context), temporaryDirectory(context)];
  await archiveOf(directory, path).take(1, 3, never);
  await assert.rejects(archiveOf(await written(context), path).take(3, 4, never), OTHER);
  // Two histories that part in segment 2.
  const begun = temporaryDirectory(context);
  const log = await openLog(new NodeIo().openDirectory(begun, { create: false }));
  while ((await appendRecord(log, new Uint8Array(3000))) < 2 * SEGMENT + SEGMENT / 2);
  log.close();
  const [one, other, both] = [await written(context, begun), await written(context, begun), temporaryDirectory(context)];
  await archiveOf(one, both).take(1, 3, never);
  await assert.rejects(archiveOf(other, both).take(3, 4, never), OTHER);
  for (const archive of [path, both]) assert.deepEqual(segmentsIn(archive), [1, 2].map(segmentName));
  await archiveOf(one, both).take(3, 5, never);
  assert.equal(verifyLog(both).segments, 4);
});

test('SegmentArchive.take() goes on in an archive that begins late, and refuses what lies before it (2)', async (context) => {
  const [directory, path] = [await written(context), temporaryDirectory(context)];
  const whole = archiveOf(directory, temporaryDirectory(context));
  await whole.take(1, 2, never);
  giveUpFirst(directory, 2 * SEGMENT);
  await archiveOf(directory, path).take(2, 3, never);
  await archiveOf(directory, path).take(3, 4, never);
  assert.deepEqual(segmentsIn(path), [2, 3].map(segmentName));
  await assert.rejects(archiveOf(directory, path).take(1, 2, never), {
    code: 'InvalidArgument',
    message: /it ends with 0000000003\.segment/,
  });
});

test('SegmentArchive.take() refuses to go on behind a gap (2)', async (context) => {
  const [directory, path] = [await written(context), temporaryDirectory(context)];
  await archiveOf(directory, path).take(1, 2, never);
  await assert.rejects(archiveOf(directory, path).take(3, 4, never), {
    code: 'InvalidArgument',
    message: /it ends with 0000000001\.segment/,
  });
});

test('SegmentArchive.take() passes over a segment that was torn in its first write, and looks into one that was not (4)', async (context) => {
  const [directory, other, path] = [await written(context), await written(context), temporaryDirectory(context)];
  await archiveOf(directory, path).take(1, 2, never);
  // Whatever segment 2 of the archive is, segment 3 says that the log before it ends in segment 1.
  const archive = new NodeIo().openDirectory(path, { create: false });
  for (const [bytes, isRefused] of [
    [readFileSync(join(other.path, segmentName(2))), true],
    [readFileSync(join(other.path, segmentName(2))).fill(0, 500, 600), false],
    [new Uint8Array(SEGMENT), false],
  ] as const) {
    writeFileSync(join(path, segmentName(2)), bytes);
    const torn = await tornInSegment2(context, directory);
    const taken = new SegmentArchive(torn, archive, clock).take(3, 4, never);
    await (isRefused ? assert.rejects(taken, OTHER) : taken);
    if (!isRefused) rmSync(join(path, segmentName(3)));
  }
});

/** The log of a directory up to the end of segment 1, with a torn segment 2, that goes on in segment 3. */
async function tornInSegment2(context: TestContext, { path }: Directory): Promise<Directory> {
  const cut = temporaryDirectory(context);
  writeFileSync(join(cut, segmentName(1)), readFileSync(join(path, segmentName(1))));
  writeFileSync(join(cut, segmentName(2)), readFileSync(join(path, segmentName(2))).fill(0, 500));
  const directory = new NodeIo().openDirectory(cut, { create: false });
  const log = await openLog(directory);
  while ((await appendRecord(log, new Uint8Array(3000))) < 4 * SEGMENT);
  log.close();
  return directory;
}
