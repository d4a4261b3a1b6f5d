import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { NodeIo } from '../io/node-io.ts';
import { SEGMENT_HEADER_SIZE } from '../log/segment.ts';
import { Checkpoints } from './checkpoints.ts';
import type { CheckpointRunner } from './runner.ts';

const SEGMENT = 64 * 1024;

/** The segments of which a checkpoint is begun when somebody asks, while the newest segment is the second. */
function segmentsBegun(context: TestContext, previousEnd: number): number[] {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-checkpoints-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  const begun: number[] = [];
  const runner: CheckpointRunner = {
    run(_directory, { segment }) {
      begun.push(segment);
      return { cancel: () => undefined };
    },
  };
  const checkpoints = new Checkpoints({
    directory: new NodeIo().openDirectory(path, { create: true }),
    runner,
    bytesMin: SEGMENT * 1024,
    operationWindow: 16,
    segmentSizeBytes: SEGMENT,
    opened: undefined,
    ignored: [],
    newestSegment: { index: 2, previousEnd },
    durableEnd: 2 * SEGMENT + 4096,
    firstSegment: () => 1,
  });
  checkpoints.begin();
  checkpoints.request();
  return begun;
}

test('Checkpoints.request() begins a checkpoint of what lies before the newest segment', (context) => {
  assert.deepEqual(segmentsBegun(context, SEGMENT + SEGMENT_HEADER_SIZE + 512), [2]);
});

test('Checkpoints.request() begins none where the segment before was torn in its first write: there is no log before the newest', (context) => {
  assert.deepEqual(segmentsBegun(context, SEGMENT + SEGMENT_HEADER_SIZE), []);
  assert.deepEqual(segmentsBegun(context, 0), []);
});
