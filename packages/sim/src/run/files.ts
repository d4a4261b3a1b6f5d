/** The files of the log as they are when everything is over, and those of its archive. */
import type { Kept } from '../record/evidence.ts';
import { ARCHIVE_PATH, DATA_PATH, SEGMENT_BYTES, type Stage } from './stage.ts';

/** Takes down what there is, with the database closed. */
export function lookAtFiles(stage: Stage): void {
  const { history, hasArchive } = stage.plan;
  const archive = hasArchive ? { segments: segmentsIn(stage, ARCHIVE_PATH), verified: stage.verificationOf(ARCHIVE_PATH) } : undefined;
  stage.kept = { history, segmentBytes: SEGMENT_BYTES, segments: segmentsIn(stage, DATA_PATH), archive };
}

function segmentsIn({ disk }: Stage, path: string): Kept['segments'] {
  const segments = new Map<number, Uint8Array>();
  for (const [name, { data }] of disk.folder(path)?.names ?? []) {
    const digits = /^(\d{10})\.segment$/.exec(name)?.[1];
    if (digits !== undefined) segments.set(Number(digits), data);
  }
  return segments;
}
