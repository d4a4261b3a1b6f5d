/** The other thread of `channel.test.ts`: dies in the way that the connection's hello says, after it has sent one byte. */
import { workerData } from 'node:worker_threads';
import { Attendant } from './attendant.ts';
import { Channel, type ChannelSide } from './channel.ts';

const channel = new Channel(workerData as ChannelSide, {
  endOfTurn: queueMicrotask,
  attendant: new Attendant(setImmediate),
  onOpen(connection, hello) {
    connection.write(Uint8Array.of(42), 1);
    const death = new TextDecoder().decode(hello);
    if (death === 'exits') setImmediate(() => process.exit(0));
    if (death === 'throws') {
      setImmediate(() => {
        throw new Error('meant to die');
      });
    }
  },
  onGone: () => undefined,
});
if (channel.connectionCount !== 0) throw new Error('A channel begins without connections');
