/**
 * What the client needs from whatever carries its bytes: an ordered, reliable stream in both directions, and the moment when all calls of
 * one tick have been made. TCP and Unix sockets are in `tcp-transport.ts`; browsers bring another one.
 */

/** Makes links. One transport serves any number of clients. */
export interface Transport {
  /** Whether no link will ever open again: the clients end with the one that they had. Not so unless given. */
  readonly isOver?: boolean;
  /**
   * Begins to open a link; returns at once. Exactly one `onClose` of the receiver ends it, also when it never opened.
   *
   * @throws {KLaniError} `InvalidArgument` when the transport does not know the form of the address
   */
  connect(url: string, receiver: LinkReceiver): Link;
  /**
   * Runs `callback` once, after the calls that the present tick and its promises make, and before anything that arrives later. What is
   * written there is what leaves together.
   */
  endOfTurn(callback: () => void): void;
}

/** One stream of bytes to a server, from its opening to its close. */
export interface Link {
  /** How many bytes were written and not yet taken by the system; with 0 the link keeps none of the memory that it was given. */
  readonly unwrittenBytes: number;
  /** Writes, in order. The link may keep `bytes` until `unwrittenBytes` is 0: the caller does not change them before. Ignored after the close. */
  write(bytes: Uint8Array): void;
  /** Ends the link, dropping what the system has not taken; the receiver's `onClose` follows, never during this call. */
  destroy(): void;
  /** Told when answers are awaited and when there are none left: in between, the link keeps its process from ending. Those without it always do. */
  awaitAnswers?(isAwaited: boolean): void;
}

/** Told what happens to a link. None of its methods may throw, and none is called after `onClose`. */
export interface LinkReceiver {
  /** The link is open: `write` reaches the server. */
  onOpen(): void;
  /** Bytes arrived, cut anywhere. They are the link's again when this returns. */
  onData(bytes: Uint8Array): void;
  /** All that was written has been taken by the system. */
  onDrain(): void;
  /**
   * The link is over. `cause` is the system's error, or `undefined` when one side ended it as it should. `isAnswered` says that the server has
   * surely answered all that it carried out: what was sent and not answered has not happened.
   */
  onClose(cause: unknown, isAnswered?: boolean): void;
}
