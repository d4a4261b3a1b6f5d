/** Answers that say no. They are made without an Error object where refusing is what happens most: in a stampede. */
import { beginFrame, type ByteWriter, encodeErrorAnswer, endFrame, FRAME_FLAG_ANSWER, type KLaniError } from '@k-lani/protocol';

const U32_MAX = 0xffff_ffff;

/** Which request is answered. */
export interface RequestName {
  readonly opcode: number;
  readonly requestId: number;
}

/** Writes the answer to a request that ended with an error. */
export function encodeRefusal(out: ByteWriter, request: RequestName, error: KLaniError): void {
  encodeStatus(out, request, { status: error.number, message: error.message, retryAfterMs: error.retryAfterMs ?? 0 });
}

/** What a refusal says. */
export interface Refusal {
  /** The number of an error. */
  readonly status: number;
  readonly message: string;
  /** 0: unknown. */
  readonly retryAfterMs: number;
}

/** Writes an answer with the number of an error. */
export function encodeStatus(out: ByteWriter, { opcode, requestId }: RequestName, { status, message, retryAfterMs }: Refusal): void {
  const start = beginFrame(out, opcode, FRAME_FLAG_ANSWER, status, requestId, wireMs(retryAfterMs));
  encodeErrorAnswer(out, message);
  endFrame(out, start);
}

/** Milliseconds as they travel: whole, rounded up, at most 2^32 - 1. */
export function wireMs(milliseconds: number): number {
  return Math.min(U32_MAX, Math.ceil(milliseconds));
}
