/** The command as tests run it: a process of its own, with nothing of the developer's environment that could change what it does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const SHIM = fileURLToPath(new URL('../bin/k-lani.js', import.meta.url));

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a process is given. */
export interface Surroundings {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The next line of standard output; fails when the process ends before. */
  readonly nextLine: () => Promise<string>;
}

/** A server that listens. */
export interface RunningServer extends Running {
  readonly address: string;
}

/** An empty directory that goes with the test. */
export function temporaryDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-cli-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs a command to its end. */
export function runCommand(words: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  return start(words, surroundings).ended;
}

/** Starts a command; it is killed with the test if it has not ended by then. */
export function startCommand(context: TestContext, words: readonly string[], surroundings: Surroundings = {}): Running {
  const running = start(words, surroundings);
  context.after(async () => {
    running.child.kill('SIGKILL');
    await running.ended;
  });
  return running;
}

/** Starts a server on any free port, and waits until it listens. */
export async function startServer(context: TestContext, directory: string, words: readonly string[] = []): Promise<RunningServer> {
  const running = startCommand(context, ['serve', '--data', directory, '--listen', 'tcp://127.0.0.1:0', '--json', ...words]);
  const { listening } = JSON.parse(await running.nextLine()) as { listening: string[] };
  return { ...running, address: listening[0] ?? '' };
}

/** The lines of an output, each a JSON object. */
export function jsonLines(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function start(words: readonly string[], { input, env = {} }: Surroundings): Running {
  const child = spawn(process.execPath, [SHIM, ...words], { env: { ...cleanEnvironment(), ...env }, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  if (input !== undefined) child.stdin.on('error', () => {}).end(input);
  return {
    child,
    ended,
    nextLine: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the command ended: ${(await ended).stderr}`);
      return value;
    },
  };
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:K_LANI_|NODE_|NO_COLOR$|FORCE_COLOR$)/.test(name)));
}
