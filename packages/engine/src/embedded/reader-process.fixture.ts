/** For tests: processes that read beside a writer (`reader-main.fixture.ts`). */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./reader-main.fixture.ts', import.meta.url));

export class ReaderProcess {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** Lines that it has printed, but for the first. */
  readonly lines: string[] = [];
  /** Resolves when it reads, with false when it ended before. */
  readonly begun: Promise<boolean>;
  readonly ended: Promise<void>;

  constructor(mode: 'see' | 'linger' | 'outlive', path: string) {
    this.process = spawn(process.execPath, [MAIN, mode, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.process.stdout });
    lines.on('line', (line) => this.lines.push(line));
    this.ended = once(this.process, 'close').then(() => undefined);
    this.begun = Promise.race([once(lines, 'line').then(() => true), this.ended.then(() => false)]);
  }

  /** Kills it, and returns when it is dead. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Lets it end. Returns what it has seen, the first line not included. */
  async finish(): Promise<unknown[]> {
    this.process.stdin.end();
    await this.ended;
    return this.lines.slice(1).map((line): unknown => JSON.parse(line));
  }
}
