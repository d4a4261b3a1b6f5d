/** A connection as its session sees it, whatever carries it: TCP, a Unix socket, later others. */
import type { Address } from './address.ts';

/** The session's side: what a wire calls. */
export interface WireUser {
  /** Bytes have arrived. They may be read, and written over, during the call. */
  received(chunk: Uint8Array): void;
  /** Everything that was written is with the system. Only called after a `write` that returned false. */
  drained(): void;
  /** The other end sends no more; it may still read. */
  finished(): void;
  /** The connection is over; nothing else is called after this. */
  closed(): void;
}

/** The wire's side: what a session calls. */
export interface Wire {
  /** Who is at the other end, for the log. */
  readonly peer: string;
  /** Bytes that were written and that the system has not taken yet. */
  readonly unsentBytes: number;
  /**
   * Hands the first `sizeBytes` of `bytes` over, in order.
   *
   * @returns true when the system has taken them all, so that their memory is the caller's again; false when the wire keeps the memory
   */
  write(bytes: Uint8Array, sizeBytes: number): boolean;
  /** Stops reading: nothing is received until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends this direction after everything that was written. The other end is still read, until it ends too. */
  end(): void;
  /** Ends the connection at once; what is unsent is lost. */
  destroy(): void;
}

/** A wire that was accepted and belongs to no session yet: nothing is received before `attach`. */
export interface AcceptedWire extends Wire {
  /** Gives what happens on the wire to `user`, from now on. */
  attach(user: WireUser): void;
}

/** Where the connections of one address come from. Those that come before they are taken wait. */
export interface ConnectionSource {
  /** As it is bound. */
  readonly address: Address;
  /** Gives every connection to `take`, and to `onError` what keeps one from being accepted. */
  start(take: (wire: AcceptedWire) => void, onError: (error: Error) => void): void;
  /** Accepts no more connections; those that were given away go on. */
  close(): void;
}
