/**
 * A small file system of its own, mounted for a test, that can be filled, turned read-only, and made to fail.
 *
 * A file of a `tmpfs` holds an `ext4`, mounted through a loop device. The `tmpfs` is larger than the file, but not by much: when it is full and
 * the file has holes, the loop device cannot take what is written there, and so a sync fails as on a broken disk, after the write
 * before it succeeded. Requests to the loop device are kept to one page: it takes a request of which it could write only a part for done,
 * and a device that lies is not what is tested.
 *
 * It needs Linux, the right to mount, and the programs of `mount` and `e2fsprogs`.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { KLaniError } from '@k-lani/protocol';

const MEBIBYTE = 1024 * 1024;
const IMAGE_SIZE_BYTES = 32 * MEBIBYTE;
const OUTER_SIZE_BYTES = 40 * MEBIBYTE;
const PAGE_SIZE_BYTES = 4096;
const BALLAST_STEP_BYTES = 65_536;
const PROGRAM_MS_MAX = 30_000;

export class SmallDisk implements Disposable {
  /** On the small file system. */
  readonly directory: string;
  readonly #outer: string;
  readonly #image: string;
  readonly #unmountAtExit = (): void => this.#unmountAll();

  private constructor(base: string) {
    this.#outer = mkdtempSync(join(base, 'small-disk-'));
    this.#image = join(this.#outer, 'image');
    this.directory = join(this.#outer, 'disk');
    process.once('exit', this.#unmountAtExit);
  }

  /**
   * Makes one below `base`, which must be a directory.
   *
   * @throws {KLaniError} `Unsupported`, with the reason, where it cannot be made: no Linux, no right to mount, a program that is missing
   */
  static make(base: string): SmallDisk {
    const disk = new SmallDisk(realpathSync(base));
    try {
      disk.#mountOuter();
      disk.#mount();
      return disk;
    } catch (error) {
      disk[Symbol.dispose]();
      throw error;
    }
  }

  /** Writes until there is no room for one byte more. */
  fill(): void {
    fillDirectory(this.directory);
  }

  /** Gives back what `fill` took. */
  makeRoom(): void {
    rmSync(join(this.directory, BALLAST), { force: true });
  }

  /** Turns the file system read-only while files on it are open for writing: as the kernel does when it meets an error of the file system. */
  turnReadOnly(): void {
    writeFileSync(`/sys/fs/ext4/${this.#device()}/trigger_fs_error`, 'test');
  }

  /** From now on the device takes what is written where something other than zeros was, and nothing else. */
  breakWrites(): void {
    writeFileSync(`/sys/block/${this.#device()}/queue/max_sectors_kb`, String(PAGE_SIZE_BYTES / 1024));
    run('sync', '--file-system', this.directory);
    run('fallocate', '--dig-holes', this.#image);
    fillDirectory(this.#outer);
  }

  /** The device takes everything again. */
  mendWrites(): void {
    rmSync(join(this.#outer, BALLAST), { force: true });
  }

  /** Unmounts, checks and repairs, and mounts again, as an operator does after a failure. Nobody may have a file open. */
  repair(): void {
    this.mendWrites();
    run('umount', this.directory);
    run('e2fsck', '-f', '-y', this.#image);
    this.#mount();
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#unmountAtExit);
    this.#unmountAll();
    rmSync(this.#outer, { recursive: true, force: true });
  }

  #mountOuter(): void {
    if (process.platform !== 'linux')
      throw new KLaniError('Unsupported', `Cannot mount a small disk: this is ${process.platform}, must be linux`);
    run('mount', '-t', 'tmpfs', '-o', `size=${OUTER_SIZE_BYTES}`, 'tmpfs', this.#outer);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, IMAGE_SIZE_BYTES);
    run('mkfs.ext4', '-q', '-m', '0', '-b', String(PAGE_SIZE_BYTES), '-E', 'lazy_itable_init=0,lazy_journal_init=0', this.#image);
    mkdirSync(this.directory);
  }

  #mount(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.directory);
  }

  /** The name of the loop device, as `loop0`. */
  #device(): string {
    const line = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .find((mount) => mount.split(' ')[1] === this.directory);
    if (line === undefined) throw new Error(`Cannot find the small disk: nothing is mounted at ${this.directory}`);
    return basename(line.split(' ')[0] ?? '');
  }

  /** Lazily: what is still open keeps its file system until it is closed. */
  #unmountAll(): void {
    for (const path of [this.directory, this.#outer]) {
      const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
      if (mounts.some((mount) => mount.split(' ')[1] === path)) run('umount', '--lazy', path);
    }
  }
}

const BALLAST = 'ballast';

function fillDirectory(directory: string): void {
  const file = openSync(join(directory, BALLAST), 'a');
  try {
    for (let sizeBytes = BALLAST_STEP_BYTES; sizeBytes >= 1;) {
      if (!writeBallast(file, sizeBytes)) sizeBytes = Math.floor(sizeBytes / 2);
    }
  } finally {
    closeSync(file);
  }
}

/** Returns false when there is no room. */
function writeBallast(file: number, sizeBytes: number): boolean {
  try {
    // Not zeros: a hole that is filled with them would be dug again.
    return writeSync(file, new Uint8Array(sizeBytes).fill(0x55)) === sizeBytes;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

/** @throws {KLaniError} `Unsupported`, with what the program said */
function run(program: string, ...words: readonly string[]): void {
  try {
    execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'], timeout: PROGRAM_MS_MAX, env: { ...process.env, LC_ALL: 'C' } });
  } catch (cause) {
    // e2fsck says with exit code 1 that it has repaired something.
    if (program === 'e2fsck' && cause instanceof Error && 'status' in cause && cause.status === 1) return;
    const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const reason = stderr === '' && cause instanceof Error ? cause.message : stderr;
    throw new KLaniError('Unsupported', `Cannot run ${program}: ${reason}`, { cause });
  }
}
