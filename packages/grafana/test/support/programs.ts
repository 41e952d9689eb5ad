import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdPort } from '../../../../test/support/port.ts';

/** The path of a program under the first of its names that is there. */
function find(...names: readonly string[]): string | undefined {
  return names
    .map((name) => spawnSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }))
    .find(({ status }) => status === 0)
    ?.stdout.trim();
}

export const prometheus: string | undefined = find('prometheus');
export const promtool: string | undefined = find('promtool');
export const alertmanager: string | undefined = find('prometheus-alertmanager', 'alertmanager');
export const amtool: string | undefined = find('amtool');

/** Runs a program to its end; what it has printed. */
export function run(program: string | undefined, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program ?? '', args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(' ')}: exit ${status}\n${error ?? ''}${stdout}${stderr}`);
  }
  return stdout;
}

export interface Server {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a server of Prometheus' family and waits until it says that it is ready. */
export async function start(
  program: string | undefined,
  args: (address: string) => readonly string[],
  cwd: string,
): Promise<Server> {
  const { port, release } = await holdPort();
  if (process.platform !== 'linux') {
    release();
  }
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program ?? '', args(`127.0.0.1:${port}`), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
  }
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  await until(`${program} to be ready`, async () => {
    if (child.exitCode !== null) {
      throw new Error(`${program} ended:\n${log}`);
    }
    return await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }).finally(release);
  return { url, port, stop };
}

/** Waits until something is so, for a minute at most. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      throw new Error(`waited too long for ${what}`);
    }
    await sleep(100);
  }
}
