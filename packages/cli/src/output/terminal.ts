/**
 * What a command says, and where.
 *
 * 1. Results go to standard output, and nothing else does: notes, progress and errors go to standard error.
 * 2. With `--json` a result is one JSON object on one line, an error `{"error": …}` on one line; there are no notes and no bars.
 * 3. Colour and bars are for terminals only; `NO_COLOR` turns colour off.
 */
import { styleText } from 'node:util';
import { failureJson, type FailureJson, failureText } from './failure.ts';
import { ProgressBar } from './progress-bar.ts';

/** A way to set text off on a terminal. */
export type Style = Parameters<typeof styleText>[0];

/** Where a command writes. */
export class Terminal {
  readonly isJson: boolean;

  constructor({ isJson }: { readonly isJson: boolean }) {
    this.isJson = isJson;
  }

  /** Columns of standard output, or `undefined` when it is no terminal. */
  get columns(): number | undefined {
    return process.stdout.isTTY ? process.stdout.columns : undefined;
  }

  /** A line of the result. */
  print(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** A result for programs: one line. */
  printJson(value: unknown): void {
    process.stdout.write(`${jsonLine(value)}\n`);
  }

  /** The result in the form that was asked for. */
  result(value: unknown, text: () => string): void {
    if (this.isJson) this.printJson(value);
    else this.print(text());
  }

  /** The result of a command whose data goes to standard output: on standard error. */
  resultBeside(value: unknown, text: () => string): void {
    process.stderr.write(`${this.isJson ? jsonLine(value) : text()}\n`);
  }

  /** Something for people that is no result. */
  note(line: string): void {
    if (!this.isJson) process.stderr.write(`${line}\n`);
  }

  /** Something that was refused, for programs. */
  failJson(error: FailureJson): void {
    process.stderr.write(`${jsonLine({ error })}\n`);
  }

  /** Why the command failed, and what to do. */
  fail(error: unknown): void {
    if (this.isJson) this.failJson(failureJson(error));
    else process.stderr.write(`${styleText('red', failureText(error), { stream: process.stderr })}\n`);
  }

  /** Text set off, where standard output shows colour. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }

  /** A bar on standard error, or one that shows nothing where it is no terminal or the output is JSON. */
  progress(label: string): ProgressBar {
    return new ProgressBar(label, this.isJson || !process.stderr.isTTY ? undefined : process.stderr);
  }
}

function jsonLine(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
}
