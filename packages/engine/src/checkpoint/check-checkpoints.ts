/** Checks of the checkpoints in a directory, for people: an opening that finds a damaged one does without it. */
import type { Io } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { checkpointNames } from '../log/checkpoint-front.ts';
import { readCheckpoint } from './checkpoint-files.ts';

/** One checkpoint file. */
export interface CheckpointCheck {
  readonly name: string;
  /** Why it cannot be believed; `undefined` for a whole one. The next opening reads the log instead. */
  readonly fault: string | undefined;
}

/**
 * Reads every byte of the checkpoints in the directory at `path`. Those that a running process removes meanwhile are left out. What they prove
 * of the log is checked by `verifyLog`.
 *
 * @throws {KLaniError} NotFound, Io
 */
export function checkCheckpoints(path: string, { io = new NodeIo() }: { readonly io?: Io } = {}): CheckpointCheck[] {
  const directory = io.openDirectory(path, { create: false });
  try {
    return checkpointNames(directory).flatMap((name): CheckpointCheck[] => {
      const read = readCheckpoint(directory, name);
      if (typeof read !== 'string') return [{ name, fault: undefined }];
      return directory.list().includes(name) ? [{ name, fault: read }] : [];
    });
  } finally {
    directory.close();
  }
}
