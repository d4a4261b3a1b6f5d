/**
 * One socket of an I/O thread, and its connection to the writer: what arrives at one leaves by the other.
 *
 * 1. Back-pressure passes through: while one side does not take, nothing is read from the other.
 * 2. The end of each direction, and of the connection, passes through in its place.
 */
import type { ChannelConnection } from '@k-lani/base';
import { Figure } from './io-thread-figures.ts';
import { RequestCounter } from './request-counter.ts';
import type { AcceptedWire, WireUser } from './wire.ts';

/** Memory from which copies for the socket are cut, bytes; longer ones get their own. */
const SLAB_SIZE_BYTES = 64 * 1024;

let slab = new Uint8Array(SLAB_SIZE_BYTES);
let slabUsedBytes = 0;

/** Joins the two, until both are over. */
export function relay(socket: AcceptedWire, connection: ChannelConnection, figures: Float64Array): void {
  const requests = new RequestCounter();
  count(figures, Figure.connections, 1);
  const fromSocket: WireUser = {
    received(chunk) {
      count(figures, Figure.forwarded, requests.pass(chunk));
      if (!connection.write(chunk, chunk.length)) socket.pause();
    },
    drained: () => connection.resume(),
    finished: () => connection.end(),
    closed() {
      count(figures, Figure.connections, -1);
      connection.destroy();
    },
  };
  const fromWriter: WireUser = {
    received(chunk) {
      // The socket keeps what it is given for as long as it wants; the chunk's memory belongs to the ring.
      if (!socket.write(copyOf(chunk), chunk.length)) connection.pause();
    },
    drained: () => socket.resume(),
    finished: () => socket.end(),
    closed: () => socket.destroy(),
  };
  connection.attach(fromWriter);
  socket.attach(fromSocket);
}

function count(figures: Float64Array, figure: number, more: number): void {
  figures[figure] = (figures[figure] ?? 0) + more;
}

/** A copy in memory that is written once. */
function copyOf(chunk: Uint8Array): Uint8Array {
  const sizeBytes = chunk.length;
  if (sizeBytes > SLAB_SIZE_BYTES) return chunk.slice();
  if (slabUsedBytes + sizeBytes > SLAB_SIZE_BYTES) {
    slab = new Uint8Array(SLAB_SIZE_BYTES);
    slabUsedBytes = 0;
  }
  const copy = slab.subarray(slabUsedBytes, slabUsedBytes + sizeBytes);
  copy.set(chunk);
  slabUsedBytes += sizeBytes;
  return copy;
}
