/** An I/O thread of `IoThreads`: takes the sockets that it is sent, until its channel ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, Channel } from '@k-lani/base';
import { NodeClock } from '@k-lani/engine';
import type { IoThreadMessage, IoThreadTask } from './io-threads.ts';
import { relay } from './relay.ts';
import { SocketWire } from './socket-wire.ts';

const port = parentPort;
assert(port !== null, 'This module is the entry of a thread');
const { channel: side, figures: memory } = workerData as IoThreadTask;
const clock = new NodeClock();
const figures = new Float64Array(memory);

function say(message: IoThreadMessage): void {
  port?.postMessage(message);
}

// The channel is all that keeps the thread: when it ends, so do the sockets, and with them the thread.
const channel = new Channel(side, {
  endOfTurn: (callback) => clock.defer(callback),
  defer: (callback) => clock.defer(callback),
  onOpen(connection, hello) {
    const [descriptor] = new Uint32Array(hello.buffer);
    assert(descriptor !== undefined, 'A connection opens with its descriptor');
    const socket = SocketWire.ofDescriptor(descriptor);
    say(descriptor);
    relay(socket, connection, figures);
  },
  onGone: () => undefined,
});
assert(channel.connectionCount === 0, 'A thread begins without connections');
say('ready');
