import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GeneratedFile, type GrafanaOptions, generateFiles } from '@toolweaver/analytics-grafana';
import type { Registry } from 'prom-client';
import { holdPort } from '../../../../test/support/port.ts';
import { exposition, samples } from './exposition.ts';
import { processMetrics } from './process.ts';
import { prometheus, promtool, run, type Server, start } from './programs.ts';
import { createWorkload, stepSeconds, type Trouble, type Workload } from './workload.ts';

export interface SceneOptions {
  readonly options?: GrafanaOptions;
  /** How long the program has run before now. */
  readonly hours: number;
  /** What happened so many seconds before now. */
  readonly trouble: (secondsAgo: number) => Trouble;
  /** Changes a file before Prometheus reads it. */
  readonly edit?: (file: GeneratedFile) => string;
  /** `host:port` of an Alertmanager. */
  readonly alertmanager?: string;
  /** Waits after each step of the history, without which its event loop has no lag to measure. Default: false. */
  readonly isUnhurried?: boolean;
}

/** A real Prometheus with our configuration and rules that has scraped a program for hours, and still does. */
export interface Scene {
  readonly url: string;
  /** Seconds; up to now. */
  readonly startedAt: number;
  readonly now: number;
  readonly namespace: string;
  stop(): Promise<void>;
}

/** The job that Prometheus' configuration names after the namespace; one of its two targets does not answer any more. */
export async function openScene(scene: SceneOptions): Promise<Scene> {
  const { hours, trouble, options = {}, edit = ({ text }) => text, isUnhurried = false } = scene;
  const { namespace = 'toolweaver' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'scene-'));
  const workload = createWorkload({ namespace });
  const ofProcess = processMetrics();
  const program = await serve(workload, ofProcess, trouble(0));
  const { port } = program.address() as AddressInfo;
  const instance = `127.0.0.1:${port}`;
  const held = await holdPort();
  const gone = `127.0.0.1:${held.port}`;
  let server: Server | undefined;
  const stop = async (): Promise<void> => {
    await server?.stop();
    held.release();
    program.closeAllConnections();
    await new Promise((resolve) => program.close(resolve));
    await workload.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const file of generateFiles({ ...options, targets: [instance, gone] })) {
      mkdirSync(join(folder, file.path, '..'), { recursive: true });
      writeFileSync(join(folder, file.path), edit(file));
    }
    const now = Math.floor(Date.now() / 1000);
    const startedAt = now - hours * 3600;
    writeFileSync(
      join(folder, 'history.txt'),
      await history(workload, ofProcess, { startedAt, now, trouble, instance, gone, namespace, isUnhurried }),
    );
    run(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', '-q', 'history.txt', 'data'], folder);
    server = await start(
      prometheus,
      (address) => [
        '--config.file=prometheus.yml',
        '--storage.tsdb.path=data',
        '--log.level=warn',
        // What fires before an Alertmanager has been found would be sent again after a minute.
        '--rules.alert.resend-delay=1s',
        `--web.listen-address=${address}`,
      ],
      folder,
    );
    return { url: server.url, startedAt, now, namespace, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Lets the program work off its history, and writes down what scrapes of it would have seen. */
async function history(
  { cells, step }: Workload,
  ofProcess: Registry,
  scene: {
    readonly startedAt: number;
    readonly now: number;
    readonly trouble: (secondsAgo: number) => Trouble;
    readonly instance: string;
    readonly gone: string;
    readonly namespace: string;
    readonly isUnhurried: boolean;
  },
): Promise<string> {
  const { startedAt, now, trouble, instance, gone, namespace, isUnhurried } = scene;
  const job = namespace;
  // A family's samples must stand together.
  const lines = new Map<string, string[]>();
  const add = (name: string, more: readonly string[]): void => {
    const there = lines.get(name) ?? [`# TYPE ${name} unknown`];
    there.push(...more);
    lines.set(name, there);
  };
  for (let at = startedAt; at <= now - stepSeconds; at += stepSeconds) {
    step(trouble(now - at));
    for (const family of cells.families()) {
      for (const line of samples(family, { job, instance }, at)) {
        add(line.slice(0, line.indexOf('{')), [line]);
      }
    }
    if (isUnhurried) {
      await sleep(25);
    }
    const text = await ofProcess.metrics();
    for (const [, name = '', labels = '', value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
      const own = labels === '' ? '' : `${labels},`;
      add(name, [
        `${name}{${own}job="${job}",instance="${instance}"} ${value} ${at}`,
        `${name}{${own}job="node",instance="another program"} ${value} ${at}`,
      ]);
    }
    add('up', [
      `up{job="${job}",instance="${instance}"} 1 ${at}`,
      `up{job="${job}",instance="${gone}"} 1 ${at}`,
      `up{job="node",instance="another program"} 1 ${at}`,
    ]);
    add('scrape_duration_seconds', [
      `scrape_duration_seconds{job="${job}",instance="${instance}"} 0.004 ${at}`,
      `scrape_duration_seconds{job="node",instance="another program"} 0.004 ${at}`,
    ]);
    add(`${namespace}_active_operations`, [`${namespace}_active_operations{job="${job}",instance="${gone}"} 0 ${at}`]);
  }
  return `${[...lines.values()].map((text) => text.join('\n')).join('\n')}\n# EOF\n`;
}

/** The program goes on working, a little for each scrape. */
async function serve({ cells, step }: Workload, ofProcess: Registry, trouble: Trouble): Promise<HttpServer> {
  const server = createServer(async (_request, response) => {
    step(trouble);
    const text = exposition(cells.families()) + (await ofProcess.metrics());
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
