import { describeCode } from './code-that-ran.ts';
import { describeHost, filesystemOf } from './host.ts';
import type { Machine } from './raw-log.ts';

/** Where this process runs, and which code of k-lani. */
export function describeMachine(dataDirectory: string, serverVersion: string): Machine {
  return {
    host: describeHost(),
    filesystem: filesystemOf(dataDirectory),
    versions: { node: process.version, kLani: serverVersion },
    code: describeCode(),
  };
}
