/** The server's log for people who watch it on a terminal: a line each, instead of JSON. */
import { styleText } from 'node:util';
import type { LogLevel, ServerLog } from '@k-lani/server';
import { plain } from './plain-text.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const STYLES = { error: 'red', warn: 'yellow', info: 'dim', debug: 'dim' } as const;

type Method = keyof typeof STYLES;

/**
 * A log on standard error that leaves out what is below `level`.
 *
 * @param clear takes away what stands on the present line, such as a bar
 */
export function terminalLog(level: LogLevel, clear: () => void): ServerLog {
  const at = (method: Method) => (details: object, message: string) => {
    if (LEVELS.indexOf(method) < LEVELS.indexOf(level)) return;
    clear();
    write(method, details, message);
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

function write(method: Method, details: object, message: string): void {
  const time = new Date().toTimeString().slice(0, 8);
  const facts = Object.entries(details).map(([key, value]) => ` ${key}=${factText(value)}`);
  const line = `${time} ${method.padEnd(5)} ${plain(message)}${facts.join('')}`;
  process.stderr.write(`${styleText(STYLES[method], line, { stream: process.stderr })}\n`);
}

function factText(value: unknown): string {
  if (value instanceof Error) return plain(value.message);
  return plain(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}
