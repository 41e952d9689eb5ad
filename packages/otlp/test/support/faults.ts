import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface FaultyServer {
  readonly url: string;
  readonly port: number;
  /** How many connections there were. */
  readonly connections: number;
}

/** A server of TCP that does this with each connection; it ends with the test. */
export async function faultyServer(handle: (socket: Socket) => void): Promise<FaultyServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    handle(socket);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections;
    },
  };
}

/** Listens on a free port of this machine. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}
