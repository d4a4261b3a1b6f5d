/**
 * One of the many connections of a channel (`channel.ts`): an ordered stream of bytes in both directions, with the shape of a socket.
 *
 * | message | payload | meaning |
 * | --- | --- | --- |
 * | open | the opener's hello | a connection begins, under a number that is free |
 * | data | 0 to `PIECE_BYTES_MAX` bytes | the next bytes of the stream; none: the sender is alive |
 * | credit | u32 | so many bytes more may be sent |
 * | end | – | the sender sends no more data |
 * | close | – | the sender has done with the connection; its last message |
 *
 * 1. Each direction carries at most `CONNECTION_WINDOW_BYTES` that were not credited: it is the size of the buffer between the two. What is
 *    credited has been handed over to the user of that side.
 * 2. What is beyond the window, or finds the ring full, is kept here, and the user is told when it has gone: it should not write meanwhile.
 * 3. A connection is over for a side when that side has the other's `close`; each side sends one, at its own wish or in answer.
 * 4. A number is free again for its opener when it has both sent and received `close`.
 */
import { assert } from './assert.ts';

/** Bytes of one connection and direction that are under way at most. */
export const CONNECTION_WINDOW_BYTES = 256 * 1024;

/** Longest piece of a stream in one message, bytes. */
export const PIECE_BYTES_MAX = 64 * 1024;

/** Consumed bytes after which they are credited. */
const CREDIT_BYTES = CONNECTION_WINDOW_BYTES / 2;

/** Kinds of messages. */
export const Message = { open: 1, data: 2, credit: 3, end: 4, close: 5 } as const;

/** One of the kinds. */
export type MessageKind = (typeof Message)[keyof typeof Message];

/** What happens on a connection, for whoever uses it. */
export interface ConnectionUser {
  /** Bytes have arrived. They may be read, and written over, during the call. */
  received(chunk: Uint8Array): void;
  /** What was kept has gone. Only called after a `write` that returned false. */
  drained(): void;
  /** The other side sends no more; it may still read. */
  finished(): void;
  /** The connection is over; nothing else is called after this. */
  closed(): void;
}

/** The channel, as its connections see it. */
export interface ConnectionHost {
  /** Sends a message. @returns false when there is no room: the connection has to `wait` */
  send(kind: MessageKind, id: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** Calls `push` of the connection when there is room. */
  wait(connection: ChannelConnection): void;
  /** The number of the connection is free. */
  release(connection: ChannelConnection): void;
}

const NOTHING = new Uint8Array(0);

/** Where a message of this connection stands that is sent once. */
type Once = 'no' | 'due' | 'sent';

export class ChannelConnection {
  readonly id: number;
  /** Whether the channel has it in its line for room. */
  isWaiting = false;
  readonly #host: ConnectionHost;
  #user: ConnectionUser | undefined;
  #hello: Uint8Array | undefined;
  /** What may be sent before the next credit, bytes. */
  #windowBytes = CONNECTION_WINDOW_BYTES;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #isRefused = false;
  /** A write has returned false, and the user was not told yet that its bytes have gone. */
  #owesDrained = false;
  #end: Once = 'no';
  #close: Once = 'no';
  /** Bytes that were handed over and not credited yet. */
  #consumedBytes = 0;
  /** What arrived while the user was paused. */
  readonly #arrived: Uint8Array[] = [];
  #isPaused = false;
  #isHandingOver = false;
  #hasOtherEnded = false;
  #hasOtherClosed = false;
  #isFinishedTold = false;
  readonly #creditBytes = new Uint8Array(4);

  /** @param hello sent in an `open`; undefined: the other side has opened it */
  constructor(host: ConnectionHost, id: number, hello: Uint8Array | undefined) {
    this.id = id;
    this.#host = host;
    this.#hello = hello;
  }

  /** Gives what happens to `user`, from now on; nothing is handed over before. */
  attach(user: ConnectionUser): void {
    this.#user = user;
    if (this.#arrived.length > 0 || this.#hasOtherEnded) this.#handOver();
  }

  /** Bytes that were written and have not gone. */
  get unsentBytes(): number {
    return this.#keptBytes;
  }

  /** Whether nothing that is written here arrives any more. */
  get isOver(): boolean {
    return this.#end !== 'no' || this.#close !== 'no' || this.#hasOtherClosed;
  }

  /**
   * Sends the first `sizeBytes` of `bytes`, in order. The memory is the caller's again when this returns: what cannot go is copied.
   *
   * @returns false when something is kept; `drained` follows when it has gone
   */
  write(bytes: Uint8Array, sizeBytes: number): boolean {
    if (this.isOver) return true;
    const sentBytes = this.#isKeeping ? 0 : this.#sendPieces(bytes, sizeBytes);
    if (sentBytes === sizeBytes) return true;
    if (this.#isRefused && !this.isWaiting) this.#host.wait(this);
    this.#kept.push(bytes.slice(sentBytes, sizeBytes));
    this.#keptBytes += sizeBytes - sentBytes;
    this.#owesDrained = true;
    return false;
  }

  /** Shows the other side that this one is alive: it receives no bytes. Does nothing while others are kept. */
  touch(): void {
    if (!this.isOver && !this.#isKeeping) this.#host.send(Message.data, this.id, NOTHING, 0, 0);
  }

  /** Hands nothing over until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#handOver();
  }

  /** Ends this direction after everything that was written. */
  end(): void {
    if (this.isOver) return;
    this.#end = 'due';
    this.#pushOrWait();
  }

  /** Ends the connection at once: what has not gone is lost. `closed` follows, never during this call. */
  destroy(): void {
    if (this.#close !== 'no') return;
    this.#kept.length = 0;
    this.#keptBytes = 0;
    this.#arrived.length = 0;
    this.#close = 'due';
    this.#pushOrWait();
  }

  /** Takes a message of the other side. */
  receive(kind: MessageKind, bytes: Uint8Array, start: number, end: number): void {
    if (kind === Message.close) this.#closeReceived();
    else if (this.#close !== 'no') return;
    else if (kind === Message.data) this.#dataReceived(bytes.subarray(start, end));
    else if (kind === Message.end) {
      this.#hasOtherEnded = true;
      this.#handOver();
    } else {
      assert(kind === Message.credit, 'ChannelConnection.receive(): the kind of the message is not known');
      this.#windowBytes += readU32(bytes, start);
      this.#pushOrWait();
    }
  }

  /** Sends what is due, as far as there is room. @returns false when there is not enough */
  push(): boolean {
    for (;;) {
      if (!this.#sendDue()) return false;
      if (!this.#owesDrained || this.#keptBytes > 0) return true;
      this.#owesDrained = false;
      this.#user?.drained();
      // What the user did just now was sent, unless the connection stands in the line.
      if (!this.isWaiting) return true;
    }
  }

  /** The other side is gone for good. */
  lost(): void {
    this.#close = 'sent';
    if (this.#hasOtherClosed) return;
    this.#hasOtherClosed = true;
    this.#user?.closed();
  }

  get #isKeeping(): boolean {
    return this.isWaiting || this.#keptBytes > 0 || this.#hello !== undefined;
  }

  #sendDue(): boolean {
    if (this.#hello !== undefined) {
      if (!this.#send(Message.open, this.#hello)) return false;
      this.#hello = undefined;
    }
    if (this.#close === 'due') return this.#sendClose();
    if (this.#close === 'sent') return true;
    if (!this.#sendCredit() || !this.#sendKept()) return false;
    if (this.#end !== 'due' || this.#keptBytes > 0) return true;
    if (!this.#send(Message.end, NOTHING)) return false;
    this.#end = 'sent';
    return true;
  }

  #pushOrWait(): void {
    if (this.isWaiting || this.push()) return;
    // The user, told that there is room, may have written more than there was: then the connection stands in the line already.
    if (!this.isWaiting) this.#host.wait(this);
  }

  #send(kind: MessageKind, bytes: Uint8Array): boolean {
    return this.#host.send(kind, this.id, bytes, 0, bytes.length);
  }

  /** Sends as much as window and ring take, and returns how many bytes; `#isRefused` says whether it was the ring that took no more. */
  #sendPieces(bytes: Uint8Array, sizeBytes: number): number {
    let sentBytes = 0;
    this.#isRefused = false;
    while (sentBytes < sizeBytes && this.#windowBytes > 0) {
      const pieceBytes = Math.min(sizeBytes - sentBytes, this.#windowBytes, PIECE_BYTES_MAX);
      if (!this.#host.send(Message.data, this.id, bytes, sentBytes, sentBytes + pieceBytes)) {
        this.#isRefused = true;
        break;
      }
      this.#windowBytes -= pieceBytes;
      sentBytes += pieceBytes;
    }
    return sentBytes;
  }

  #sendKept(): boolean {
    const kept = this.#kept;
    for (let first = kept[0]; first !== undefined; first = kept[0]) {
      const sentBytes = this.#sendPieces(first, first.length);
      this.#keptBytes -= sentBytes;
      if (sentBytes < first.length) {
        kept[0] = first.subarray(sentBytes);
        return !this.#isRefused;
      }
      kept.shift();
    }
    return true;
  }

  #sendCredit(): boolean {
    if (this.#consumedBytes < CREDIT_BYTES) return true;
    writeU32(this.#creditBytes, this.#consumedBytes);
    if (!this.#send(Message.credit, this.#creditBytes)) return false;
    this.#consumedBytes = 0;
    return true;
  }

  #sendClose(): boolean {
    if (!this.#send(Message.close, NOTHING)) return false;
    this.#close = 'sent';
    if (this.#hasOtherClosed) this.#host.release(this);
    return true;
  }

  #dataReceived(chunk: Uint8Array): void {
    if (this.#isPaused || this.#arrived.length > 0 || this.#user === undefined) {
      this.#arrived.push(chunk.slice());
      return;
    }
    this.#user.received(chunk);
    this.#consumed(chunk.length);
  }

  #consumed(sizeBytes: number): void {
    this.#consumedBytes += sizeBytes;
    if (this.#consumedBytes >= CREDIT_BYTES && this.#close === 'no') this.#pushOrWait();
  }

  /** Gives the user what has arrived, as long as it takes it. */
  #handOver(): void {
    const user = this.#user;
    if (user === undefined || this.#isHandingOver) return;
    this.#isHandingOver = true;
    while (!this.#isPaused && this.#close === 'no') {
      const chunk = this.#arrived.shift();
      if (chunk === undefined) break;
      user.received(chunk);
      this.#consumed(chunk.length);
    }
    this.#isHandingOver = false;
    const isRead = this.#arrived.length === 0 && !this.#isPaused && this.#close === 'no';
    if (!isRead || !this.#hasOtherEnded || this.#isFinishedTold) return;
    this.#isFinishedTold = true;
    user.finished();
  }

  #closeReceived(): void {
    assert(!this.#hasOtherClosed, 'ChannelConnection.receive(): the other side has closed already');
    this.#hasOtherClosed = true;
    if (this.#close === 'sent') this.#host.release(this);
    else {
      this.#kept.length = 0;
      this.#keptBytes = 0;
      this.#close = 'due';
      this.#pushOrWait();
    }
    this.#user?.closed();
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  const [low = 0, second = 0, third = 0, high = 0] = bytes.subarray(at, at + 4);
  return (low | (second << 8) | (third << 16) | (high << 24)) >>> 0;
}

function writeU32(bytes: Uint8Array, value: number): void {
  for (let index = 0; index < 4; index += 1) bytes[index] = value >>> (8 * index);
}
