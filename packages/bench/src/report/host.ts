import { readFileSync, realpathSync, statfsSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

/** The machine that a run was measured on. */
export interface Host {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** As `linux`, and the version of its kernel. */
  readonly platform: string;
  readonly kernel: string;
  readonly arch: string;
}

export function describeHost(): Host {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: platform(),
    kernel: release(),
    arch: arch(),
  };
}

/** The type of the file system that a directory is on, as `ext4`; where the system has no list of mounts, its number. */
export function filesystemOf(directory: string): string {
  const path = realpathSync(directory);
  try {
    return filesystemIn(readFileSync('/proc/self/mountinfo', 'utf8'), path);
  } catch {
    return `0x${statfsSync(path).type.toString(16)}`;
  }
}

/** The type of the innermost mount that holds `path`, from the text of `/proc/self/mountinfo` (its format: `man 5 proc`). */
export function filesystemIn(mountinfo: string, path: string): string {
  let type = 'unknown';
  let innermost = -1;
  for (const line of mountinfo.split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const point = (mount.split(' ')[4] ?? '').replaceAll('\\040', ' ');
    const holds = point === '/' ? path.startsWith('/') : path === point || path.startsWith(`${point}/`);
    if (point === '' || !holds || point.length < innermost) continue;
    innermost = point.length;
    type = filesystem.split(' ')[0] ?? 'unknown';
  }
  return type;
}
