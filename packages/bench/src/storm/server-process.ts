/** The server as a process of its own, that can be killed and started again on the same directory and address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;
const STDERR_KEPT_BYTES = 4096;

export interface ServerOptions {
  /** The database's directory. */
  readonly directory: string;
  /** `tcp://127.0.0.1:0` for any free port. */
  readonly listen: string;
  readonly durability: 'fsync' | 'os';
  /** Further settings, as flags of `serve`. */
  readonly flags?: readonly string[];
  /** Kills the process with SIGKILL before it listens. */
  readonly signal?: AbortSignal;
}

/** A server that answers. */
export interface ServerProcess {
  /** Where it listens, with the port it got. */
  readonly address: string;
  readonly pid: number;
  /** Resolves with how it ended, whoever ended it. */
  readonly ended: Promise<string>;
  /** Sends a signal, before it returns. */
  signal(name: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Sends SIGKILL before it returns; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Lets it finish what is in flight: SIGTERM, and SIGKILL after 15 s. Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Starts a server; resolves when it listens. */
export type SpawnServer = (options: ServerOptions) => Promise<ServerProcess>;

/**
 * Starts servers with a command line, to which `serve --data … --listen … --durability … --json` is added.
 *
 * @param command program and arguments, as `[process.execPath, 'bin/k-lani.js']`
 * @param environment of the processes, but for what configures k-lani
 * @returns a function that throws when the server ends before it listens, with the last it wrote to its standard error
 */
export function serverCommand(command: readonly string[], environment: NodeJS.ProcessEnv = process.env): SpawnServer {
  return async ({ directory, listen, durability, flags = [], signal }) => {
    const [program = '', ...words] = command;
    const settings = ['--data', directory, '--listen', listen, '--durability', durability, ...flags, '--json'];
    const child = spawn(program, [...words, 'serve', ...settings], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: withoutConfiguration(environment),
    });
    const ended = endOf(child);
    const killWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    signal?.addEventListener('abort', killWithUs);
    void ended.then(() => process.off('exit', killWithUs));
    const address = await listening(child, ended);
    signal?.removeEventListener('abort', killWithUs);
    return {
      address,
      pid: child.pid ?? 0,
      ended,
      signal: (name) => void child.kill(name),
      kill: async () => {
        child.kill('SIGKILL');
        await ended;
      },
      stop: async () => {
        child.kill('SIGTERM');
        const late = new AbortController();
        const isLate = delay(STOP_MS_MAX, true, { signal: late.signal }).catch(() => false);
        void isLate.then((hasPassed) => hasPassed && child.kill('SIGKILL'));
        await ended;
        late.abort();
      },
    };
  };
}

/** The most memory that a process has had resident so far, in bytes; undefined where the system does not tell. */
export function peakResidentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** A run that can be repeated does not depend on what the server is configured with elsewhere. */
function withoutConfiguration(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('K_LANI_')));
}

async function endOf(child: ChildProcess): Promise<string> {
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-STDERR_KEPT_BYTES);
  });
  try {
    const [code, signal] = await once(child, 'close');
    return `ended with ${signal === null ? `exit code ${String(code)}` : String(signal)}${lastWords === '' ? '' : `: ${lastWords.trim()}`}`;
  } catch (error) {
    return `did not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The address from the line that the server prints when it listens. What it prints after that is read and dropped. */
async function listening(child: ChildProcess, ended: Promise<string>): Promise<string> {
  if (child.stdout === null) throw new Error('Cannot start the server: its standard output is not piped');
  const lines = createInterface(child.stdout);
  const late = new AbortController();
  const address = await Promise.race([
    once(lines, 'line').then(([line]) => addressIn(String(line))),
    ended.then((how) => `the process ${how}`),
    delay(START_MS_MAX, `it was not ready within ${START_MS_MAX} ms`, { signal: late.signal }).catch(() => ''),
  ]);
  late.abort();
  if (address.startsWith('tcp://') || address.startsWith('unix:')) return address;
  child.kill('SIGKILL');
  throw new Error(`Cannot start the server: ${address}`);
}

function addressIn(line: string): string {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null && 'listening' in message) return String([message.listening].flat()[0]);
  } catch {
    // Not JSON: said below.
  }
  return `it printed ${JSON.stringify(line)}, must be {"listening": address}`;
}
