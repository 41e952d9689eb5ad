import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdPort } from './port.ts';

/** A server on this machine that another program runs. */
export interface Daemon {
  readonly url: string;
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly command: string;
  /** Returns the arguments for an address to listen on, such as `127.0.0.1:1234`. */
  args(address: string): readonly string[];
  /** The path that answers 200 once the server is ready. */
  readonly readyPath: string;
}

const startMs = 20_000;

export function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

/** @throws Error with what the program printed when it does not come up. */
export async function startDaemon({ command, args, readyPath }: DaemonOptions): Promise<Daemon> {
  const held = await holdPort();
  const address = `127.0.0.1:${held.port}`;
  if (process.platform !== 'linux') {
    held.release();
  }
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
      held.release();
      return { url, stop };
    }
    await sleep(50);
  }
  held.release();
  await stop();
  throw new Error(`${command} did not start: ${printed}`);
}
