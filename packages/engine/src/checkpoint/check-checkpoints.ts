/** Checks of the checkpoints in a directory, for people: an opening that finds a damaged one does without it. */
import type { Directory, Io } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { readManifest } from '../log/manifest.ts';
import { Rereading } from '../log/reading-lock.ts';
import { peekSegments } from '../log/recovery.ts';
import { checkpointNames, expectBegun, readCheckpoint, type Checkpoint } from './checkpoint-files.ts';

/** One checkpoint file. */
export interface CheckpointCheck {
  readonly name: string;
  /** Why it cannot be believed; `undefined` for a whole one. The next opening reads the log instead. */
  readonly fault: string | undefined;
}

/**
 * Reads every byte of the checkpoints in the directory at `path`. Those that a running process removes meanwhile are left out.
 *
 * @throws {KLaniError} Damaged when the log ends before a whole one, which proves that it went on; NotFound, Io
 */
export function checkCheckpoints(path: string, { io = new NodeIo() }: { readonly io?: Io } = {}): CheckpointCheck[] {
  const directory = io.openDirectory(path, { create: false });
  try {
    return checkpointNames(directory).flatMap((name): CheckpointCheck[] => {
      const read = readCheckpoint(directory, name);
      if (typeof read !== 'string') {
        expectLogBehind(directory, read);
        return [{ name, fault: undefined }];
      }
      return directory.list().includes(name) ? [{ name, fault: read }] : [];
    });
  } finally {
    directory.close();
  }
}

function expectLogBehind(directory: Directory, checkpoint: Checkpoint): void {
  const rereading = new Rereading(directory);
  for (;;) {
    try {
      expectBegun(directory, peekSegments(directory, readManifest(directory)?.firstSegment ?? 1), checkpoint);
      return;
    } catch (error) {
      rereading.again(error);
    }
  }
}
