/** An I/O thread of `IoThreads`: takes the sockets that it is sent, until its channel ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, Attendant, Channel } from '@k-lani/base';
import { NodeClock, NodeIo, type SharedHandle, SharedReader } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { IoThreadMessage, IoThreadTask } from './io-threads.ts';
import { Relay } from './relay.ts';
import { SnapshotReads } from './snapshot-reads.ts';
import { SocketWire } from './socket-wire.ts';
import { nodeTicker } from './ticker.ts';

const port = parentPort;
assert(port !== null, 'This module is the entry of a thread');
const { channel: side, figures: memory, limits, tickMs } = workerData as IoThreadTask;
const clock = new NodeClock();
const figures = new Float64Array(memory);
const relays = new Set<Relay>();
let reads: SnapshotReads | undefined;

function say(message: IoThreadMessage): void {
  port?.postMessage(message);
}

const channel = new Channel(side, {
  endOfTurn: (callback) => clock.defer(callback),
  attendant: new Attendant((callback) => clock.defer(callback)),
  onOpen(connection, hello) {
    const [descriptor, moveNumber] = new Uint32Array(hello.buffer);
    assert(descriptor !== undefined && moveNumber !== undefined, 'A connection opens with its descriptor and the number of the move');
    const socket = SocketWire.ofDescriptor(descriptor);
    say(moveNumber);
    relays.add(new Relay(socket, connection, { figures, reads: () => reads, onGone: (relay) => relays.delete(relay) }));
  },
  onGone: () => reads?.close(),
});
assert(channel.connectionCount === 0, 'A thread begins without connections');
nodeTicker.start(tickMs, () => {
  for (const relay of relays) relay.tick();
});
port.on('message', (snapshot: SharedHandle) => {
  try {
    reads = new SnapshotReads(SharedReader.attach(snapshot, { io: new NodeIo(), clock }), limits);
  } catch (error) {
    if (!(error instanceof KLaniError)) throw error;
    say({ problem: error.message });
  }
});
// The channel is what keeps the thread: when it ends, so do the sockets, and with them the thread.
port.unref();
say('ready');
