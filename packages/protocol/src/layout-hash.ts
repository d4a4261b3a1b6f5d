/**
 * SHA-256 over all that another implementation of protocol version {@link PROTOCOL_VERSION} must agree on: the numbers of opcodes, errors,
 * types and forms, the offsets of the header, the limits, and the golden bytes. `tools/golden.ts` computes it, and a test fails when the
 * two differ.
 *
 * 1. What only adds (an opcode, an error) pins a new hash under the same version.
 * 2. What changes the meaning or place of anything raises `PROTOCOL_VERSION`, and with it the hash.
 */
export const LAYOUT_HASH = '6b7fc6065ba07a99a615c966c103b535726a14c004c58d8dc41ab1cd0a668eef';
