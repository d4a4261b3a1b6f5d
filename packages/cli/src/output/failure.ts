/** An error as the command tells it: one line for people, or one JSON object for programs. Only bugs have a stack trace. */
import { ERRORS, KLaniError } from '@k-lani/protocol';
import { plain } from './plain-text.ts';

/** An error for programs; the keys are stable. */
export interface FailureJson {
  readonly code: string;
  /** The number on the wire; 0 for a bug. */
  readonly number: number;
  readonly message: string;
  readonly retry: 'never' | 'safe' | 'unknown';
  readonly retryAfterMs?: number;
  /** Names a write whose outcome is unknown. */
  readonly operationId?: string;
  /** Of the input, from 1, where one of its rows was refused. */
  readonly line?: number;
  /** Of a bug. */
  readonly stack?: string;
}

const REMEDIES = new WeakMap<KLaniError, string>();

/** Gives an error another advice than the one that holds for every error of its code; returns the error. */
export function withRemedy(error: KLaniError, remedy: string): KLaniError {
  REMEDIES.set(error, remedy);
  return error;
}

/** The error as a JSON object. */
export function failureJson(error: unknown): FailureJson {
  if (!(error instanceof KLaniError))
    return { code: 'Internal', number: 0, message: messageOf(error), retry: 'never', stack: stackOf(error) };
  const { code, number, message, retry, retryAfterMs, operationId } = error;
  return {
    code,
    number,
    message,
    retry,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(operationId === undefined ? {} : { operationId }),
  };
}

/** The error in one line: code, number as in docs/errors.md, what failed, what to do. A bug keeps its stack. */
export function failureText(error: unknown): string {
  if (!(error instanceof KLaniError)) {
    return `k-lani: this is a bug in k-lani, please report it\n${stackOf(error)}`;
  }
  const operation = error.operationId === undefined ? '' : ` Operation id: ${error.operationId}.`;
  const message = plain(error.message).replace(/[.\s]*$/, '.');
  return `k-lani: ${error.code} ${numberText(error.number)}: ${message}${operation} ${REMEDIES.get(error) ?? ERRORS[error.code].remedy}`;
}

function numberText(number: number): string {
  return String(number).padStart(4, '0');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
