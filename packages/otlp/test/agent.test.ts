import { Agent, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { post } from '../src/http.ts';

/** A receiver that answers as soon as it hears something; where it `reads`, it also takes the rest. */
async function receiver(reads: boolean): Promise<URL> {
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n');
      if (!reads) {
        socket.pause();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test.each([
  ['that was sent whole', true, 1_000, 1],
  ['that was not', false, 20_000_000, 0],
] as const)('after a request %s an agent has its connection again, or none', async (_, reads, bytes, free) => {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const url = await receiver(reads);
  const request = { url, headers: {}, body: new Uint8Array(bytes), background: false, tls: () => ({}), agent };
  expect(await post(request, new AbortController().signal)).toMatchObject({ status: 413 });
  const count = (sockets: typeof agent.sockets): number => Object.values(sockets).flat().length;
  await expect.poll(() => [count(agent.sockets), count(agent.freeSockets)]).toEqual([0, free]);
});

test('what an agent has again serves the next request', async () => {
  const agent = new Agent({ keepAlive: true });
  const server = createHttpServer((request, response) => void request.resume().on('end', () => response.end('whole')));
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    agent.destroy();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const request = { url, headers: {}, body: new Uint8Array(1_000), background: false, tls: () => ({}), agent };
  for (let count = 0; count < 3; count += 1) {
    await post(request, new AbortController().signal);
    await turn();
  }
  expect(connections).toBe(1);
});
