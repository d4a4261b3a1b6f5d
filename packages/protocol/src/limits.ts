/**
 * The limits that the protocol itself sets, the same for every server. Those that a server chooses (`maxFrameBytes`, `maxResponseRows`,
 * …) are told in its answer to the handshake.
 */

/** The longest name that a client gives itself, in bytes of UTF-8; it is recorded as the actor of its changes. */
export const CLIENT_NAME_BYTES_MAX = 64;

/** The longest credentials of a handshake, in bytes. */
export const CREDENTIALS_BYTES_MAX = 16_384;

/** Bytes of an operation id. */
export const OPERATION_ID_SIZE = 16;

/** The most terms of one query. */
export const TERMS_MAX = 16;

/** The most lines of one claim. */
export const CLAIM_LINES_MAX = 64;

/** The most rows that one line of a claim takes. */
export const CLAIM_ROWS_MAX = 1024;

/** The most fields that one line of a claim assigns. */
export const ASSIGNMENTS_MAX = 64;
