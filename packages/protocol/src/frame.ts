/**
 * The frame: what every message between client and server begins with. Little-endian.
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | length | bytes of the whole frame, this header included: 16 to the receiver's `maxFrameBytes` |
 * | 4 | 1 | opcode | the command; an answer repeats its request's |
 * | 5 | 1 | flags | bit 0: this is an answer; the others are zero |
 * | 6 | 2 | status | in an answer 0, or the number of an error; in a request zero |
 * | 8 | 4 | request id | chosen by the client; the answer repeats it |
 * | 12 | 4 | deadline or retry-after | request: milliseconds the client will wait, 0 without limit; answer: milliseconds after which asking again may help, 0 unknown |
 * | 16 | … | payload | as the opcode says; in an answer whose status is not 0, the error's message |
 *
 * 1. Requests of one connection are answered as they complete; only the request id ties an answer to its request.
 * 2. A request id is not used again before its answer has come.
 * 3. A frame that breaks a rule of this table ends its connection, after an answer that says why.
 */
export const FRAME_HEADER_SIZE = 16;

/** Bit 0 of a frame's flags: it is an answer. */
export const FRAME_FLAG_ANSWER = 1;

/** The first protocol version, and the newest one that this code speaks. */
export const PROTOCOL_VERSION = 1;

/** What a handshake's payload begins with: "KLNI". */
export const HANDSHAKE_MAGIC = 0x494e4c4b;

/** The longest frame that either side sends or takes unless configured otherwise, 16 MiB. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Offsets of the header's fields. */
export const FrameOffset = { length: 0, opcode: 4, flags: 5, status: 6, requestId: 8, deadline: 12, retryAfter: 12 } as const;
