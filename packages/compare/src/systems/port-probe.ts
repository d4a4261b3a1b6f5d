import { once } from 'node:events';
import { connect } from 'node:net';

/** Resolves when something accepts connections at a port of loopback. */
export async function probePort(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
