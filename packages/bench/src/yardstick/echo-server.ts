/**
 * The server of both yardsticks: it sends back whatever arrives, without decoding any of it, so that what a client measures against it
 * is the client and the system's sockets, and nothing of the engine.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** Where to reach an echo server, and how to end it. */
export interface EchoServer {
  /** `tcp://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves on a free port of 127.0.0.1 in this process. */
export async function openEchoServer(): Promise<EchoServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    echo(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `tcp://127.0.0.1:${portOf(server)}`,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Serves in a process of its own, as the yardsticks need it: client and server then share no event loop. */
export async function forkEchoServer(): Promise<EchoServer> {
  const child = fork(new URL(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const url = await Promise.race([
    once(child, 'message').then(([message]) => String(message)),
    exited.then(([code]) => Promise.reject(new Error(`Cannot start the echo server: it exited with ${String(code)}`))),
  ]);
  return {
    url,
    close: async () => {
      child.kill();
      await exited;
    },
  };
}

/** A reader that does not keep up pauses its own connection, so nothing grows. */
function echo(socket: Socket): void {
  socket.on('data', (chunk: Buffer) => {
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`Cannot tell the port of ${String(address)}`);
  return address.port;
}

if (import.meta.main && process.send !== undefined) {
  const server = await openEchoServer();
  process.send(server.url);
  process.once('disconnect', () => process.exit());
}
