import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server of another program, on this machine and a port that was free. */
export interface Daemon {
  readonly url: string;
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly command: string;
  /** For an address to listen on, such as `127.0.0.1:1234`. */
  args(address: string): readonly string[];
  /** Path that is answered with 200 once it is ready. */
  readonly readyPath: string;
}

const startMs = 20_000;

export function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

/** @throws Error with what the program printed when it does not come up. */
export async function startDaemon({ command, args, readyPath }: DaemonOptions): Promise<Daemon> {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(command, args(address), { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed = `${printed}${chunk}`.slice(-10_000);
    });
  }
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
  };
  const url = `http://${address}`;
  for (const deadline = performance.now() + startMs; performance.now() < deadline && child.exitCode === null; ) {
    const isReady = await fetch(url + readyPath).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) {
      return { url, stop };
    }
    await sleep(50);
  }
  await stop();
  throw new Error(`${command} did not start: ${printed}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
