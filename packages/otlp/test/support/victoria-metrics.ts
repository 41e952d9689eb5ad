import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { holdPort } from '../../../../test/support/port.ts';
import { peers } from './peers.ts';

export interface VictoriaMetrics {
  /** Where OTLP is taken. */
  readonly endpoint: string;
  /** The values that PromQL gives now, by the label; by '' where it is not there. */
  query(promql: string, label: string): Promise<Record<string, number>>;
  /** Of all series that have come in, sorted. */
  names(): Promise<string[]>;
}

/** A server that ends with the test. */
export async function startVictoriaMetrics(): Promise<VictoriaMetrics> {
  const folder = mkdtempSync(join(tmpdir(), 'victoria-metrics-'));
  const { port, release } = await holdPort();
  if (process.platform !== 'linux') {
    release();
  }
  const url = `http://127.0.0.1:${port}`;
  const options = {
    httpListenAddr: `127.0.0.1:${port}`,
    storageDataPath: join(folder, 'data'),
    'opentelemetry.usePrometheusNaming': 'true',
    'search.latencyOffset': '0s',
    loggerLevel: 'ERROR',
  };
  const args = Object.entries(options).map(([name, value]) => `-${name}=${value}`);
  const server = spawn(peers.victoriaMetrics, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('close', resolve));
  onTestFinished(async () => {
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });

  async function get(path: string): Promise<Response> {
    const response = await fetch(url + path);
    if (!response.ok) {
      throw new Error(`${path}: ${response.status} ${await response.text()}`);
    }
    return response;
  }
  for (let attempts = 0; ; attempts += 1) {
    try {
      await get('/health');
      release();
      break;
    } catch (error) {
      if (attempts > 200 || server.exitCode !== null) {
        release();
        throw error;
      }
      await sleep(50);
    }
  }
  /** What has come in is found within a moment, where this is asked for. */
  const settle = (): Promise<Response> => get('/internal/force_flush');

  return {
    endpoint: `${url}/opentelemetry`,
    async query(promql, label) {
      await settle();
      const response = await get(`/api/v1/query?nocache=1&query=${encodeURIComponent(promql)}`);
      const { data } = (await response.json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      return Object.fromEntries(data.result.map(({ metric, value }) => [metric[label] ?? '', Number(value[1])]));
    },
    async names() {
      await settle();
      const { data } = (await (await get('/api/v1/label/__name__/values')).json()) as { data: string[] };
      return data.toSorted();
    },
  };
}
