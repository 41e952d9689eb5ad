import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, createAnalytics } from '@toolweaver/analytics-core';
import { type PrometheusBackend, prometheus } from '@toolweaver/analytics-prometheus';
import { expect, onTestFinished, vi } from 'vitest';
import { type Daemon, isInstalled, startDaemon } from '../../../test/support/daemon.ts';
import { testWith } from '../../../test/support/peer.ts';
import { clients } from './support/clients.ts';
import { parse } from './support/parse.ts';

vi.setConfig({ testTimeout: 180_000 });

const testWithPrometheus = testWith(isInstalled('prometheus'), 'prometheus');
const testWithPromtool = testWith(isInstalled('promtool'), 'promtool');

const names = [
  'parse_json',
  `it's "quoted"`,
  'back\\slash \\n',
  '{a="b"} 1',
  'skill 🧶 é 漢字',
  '__proto__',
  '\u202eשלום',
  'x'.repeat(256),
];

function record(client: Analytics): void {
  for (const [at, name] of names.entries()) {
    client.recordSkillExecution({ skillId: name, success: at % 2 === 0, latencyMs: 145.5, orgId: 'org_456' });
    client.recordSkillRating({ skillId: name, rating: 4 });
    client.updateHealthScore({ skillId: name, score: 87.5 });
    client.recordToolInvocation({
      toolName: name,
      toolkit: at % 3 === 0 ? undefined : name,
      success: at % 2 === 0,
      latencyMs: 7,
      cost: { usd: 0.003 },
      error: at % 2 === 0 ? undefined : { type: name },
      cacheHit: at % 2 === 1,
    });
    client.recordLlmCall({
      model: name,
      provider: 'acme',
      success: true,
      latencyMs: 1200,
      usage: { inputTokens: 812, outputTokens: 64 },
    });
    client.recordToolkitEvent({ toolkit: name, operation: 'create', durationMs: 3, success: true });
  }
  client.record({ type: 'execution', kind: 'agent', name: 'planner', success: true, latencyMs: 30 });
}

/** Ours, and the same in a registry of each library. */
async function programs(): Promise<
  { readonly job: string; readonly backend: PrometheusBackend; readonly client: Analytics }[]
> {
  const registries = [undefined, ...clients.map(({ client }) => new client.Registry())];
  const opened = registries.map(async (registry, at) => {
    const backend = await prometheus({ port: 0, registry });
    const client = createAnalytics({ backends: [backend] });
    onTestFinished(async () => void (await client.close()));
    return { job: `program-${at}`, backend, client };
  });
  return Promise.all(opened);
}

async function startPrometheus(
  targets: readonly { readonly job: string; readonly port: number | undefined }[],
): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: targets.map(({ job, port }) => ({
      job_name: job,
      static_configs: [{ targets: [`127.0.0.1:${port}`] }],
    })),
  };
  // JSON is YAML, too.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const daemon = await startDaemon({
    command: 'prometheus',
    args: (address) => [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    readyPath: '/-/ready',
  });
  onTestFinished(async () => {
    await daemon.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return daemon;
}

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

async function query({ url }: Daemon, promql: string): Promise<readonly Result[]> {
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: promql }) });
  const { status, error, data } = (await response.json()) as {
    status: string;
    error?: string;
    data: { result: readonly Result[] };
  };
  expect([status, error]).toEqual(['success', undefined]);
  return data.result;
}

const total = (results: readonly Result[]): number => results.reduce((sum, { value }) => sum + Number(value[1]), 0);

testWithPrometheus(
  'a real Prometheus reads what every program shows, and answers the documented questions',
  async () => {
    const all = await programs();
    const daemon = await startPrometheus(all.map(({ job, backend }) => ({ job, port: backend.port })));
    const scrapedSince = async (executions: number): Promise<void> => {
      await vi.waitFor(
        async () => {
          for (const { job } of all) {
            expect(total(await query(daemon, `toolweaver_skill_executions_total{job="${job}"}`))).toBe(executions);
          }
        },
        { timeout: 30_000, interval: 100 },
      );
    };
    for (let rounds = 1; rounds <= 2; rounds += 1) {
      for (const { client } of all) {
        record(client);
      }
      await scrapedSince(rounds * names.length);
    }

    // Nothing is recorded any more: what it has is what it will have.
    for (const { job, backend } of all) {
      const samples = [...parse(await backend.scrape()).values()].flatMap((family) => family.samples);
      const written = samples.map(({ name, labels, value }) => ({
        labels: { __name__: name, ...Object.fromEntries(Object.entries(labels).filter(([, text]) => text !== '')) },
        value,
      }));
      await vi.waitFor(
        async () => {
          const results = await query(daemon, `{__name__=~"toolweaver_.+", job="${job}"}`);
          const read = results.map(({ metric: { job: _, instance, ...labels }, value }) => ({
            labels,
            value: Number(value[1]),
          }));
          const inOrder = (list: readonly { readonly labels: object }[]) =>
            list.toSorted((one, other) => (key(one.labels) < key(other.labels) ? -1 : 1));
          expect(inOrder(read)).toEqual(inOrder(written));
          expect(total(await query(daemon, `up{job="${job}"}`))).toBe(1);
          expect(total(await query(daemon, `scrape_samples_scraped{job="${job}"}`))).toBe(samples.length);
        },
        // A scrape that a busy machine does not manage in time is made up for by the next.
        { timeout: 30_000, interval: 100 },
      );
    }

    const one = (promql: string): Promise<readonly Result[]> =>
      query(
        daemon,
        promql.replaceAll(/\btoolweaver_\w+/g, (name) => `${name}{job="program-0"}`),
      );
    await vi.waitFor(
      async () => {
        expect(await one('topk(10, rate(toolweaver_skill_executions_total[5m]))')).toHaveLength(names.length);
        const success = await one(
          '100 * (rate(toolweaver_skill_success_total[5m]) / rate(toolweaver_skill_executions_total[5m]))',
        );
        expect(success.map(({ value }) => Number(value[1])).toSorted((a, b) => a - b)).toEqual([
          0, 0, 0, 0, 100, 100, 100, 100,
        ]);
        // A histogram has no series of its bare name; the average is that of its sum and its count.
        expect(await one('avg(toolweaver_skill_latency_milliseconds)')).toEqual([]);
        const average =
          'sum(rate(toolweaver_skill_latency_milliseconds_sum[5m])) / sum(rate(toolweaver_skill_latency_milliseconds_count[5m]))';
        expect(total(await one(average))).toBeCloseTo(145.5);
        const p95 = 'histogram_quantile(0.95, sum by (le) (rate(toolweaver_tool_duration_seconds_bucket[5m])))';
        expect(total(await one(p95))).toBeGreaterThan(0);
        expect(total(await one('sum by (status) (toolweaver_tool_executions_total)'))).toBe(2 * names.length);
        expect(total(await one('toolweaver_tool_duration_seconds_count'))).toBe(2 * names.length);
        expect(total(await one('sum(toolweaver_tool_cost_usd_total)'))).toBeCloseTo(2 * names.length * 0.003);
        expect(total(await one('count(toolweaver_active_operations)'))).toBe(1);
      },
      { timeout: 30_000, interval: 100 },
    );
  },
);

interface DemoFigures {
  readonly metricsUrl: string;
  readonly executions: number;
  readonly failures: number;
  readonly byTool: Readonly<
    Record<string, { readonly executions: number; readonly failures: number; readonly averageLatencyMs: number }>
  >;
}

/** The demo as a user starts it; it has done its work, and stays to be scraped until the end of the test. */
async function startDemo(): Promise<DemoFigures> {
  const main = join(import.meta.dirname, '..', '..', '..', 'apps', 'demo', 'src', 'main.ts');
  const cwd = mkdtempSync(join(tmpdir(), 'demo-prometheus-'));
  const child = spawn(process.execPath, ['--conditions=@toolweaver/source', main, '--json', '--hold', '60'], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ANALYTICS_BACKEND: 'sqlite,prometheus', PROMETHEUS_PORT: '0' },
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(cwd, { recursive: true });
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  const [said] = await once(child.stderr, 'data');
  expect(String(said)).toMatch(/^Staying for 60 s: scrape /);
  return JSON.parse(stdout);
}

testWithPrometheus('a real Prometheus that scrapes the demo answers what the demo says that it did', async () => {
  const { metricsUrl, byTool, ...all } = await startDemo();
  const daemon = await startPrometheus([{ job: 'demo', port: Number(new URL(metricsUrl).port) }]);
  const each = async (promql: string): Promise<Record<string, number>> => {
    const results = await query(daemon, promql);
    return Object.fromEntries(
      results.map(({ metric, value }) => [metric['tool_name'] ?? metric['skill_id'], Number(value[1])]),
    );
  };
  const byEach = async (tools: string, skills: string) => [await each(tools), await each(skills)];
  /** By tool; what else the demo counts is its skill. */
  const said = (figure: 'executions' | 'failures') => {
    const tools = Object.entries(byTool).map(([name, figures]): [string, number] => [name, figures[figure]]);
    const ofTools = tools.reduce((sum, [, count]) => sum + count, 0);
    return [Object.fromEntries(tools), { process_receipt: all[figure] - ofTools }];
  };
  expect(Object.keys(byTool)).toHaveLength(3);
  await expect
    .poll(
      () =>
        byEach(
          'sum by (tool_name) (toolweaver_tool_executions_total)',
          'sum by (skill_id) (toolweaver_skill_executions_total)',
        ),
      { timeout: 30_000 },
    )
    .toEqual(said('executions'));
  expect(
    await byEach(
      'sum by (tool_name) (toolweaver_tool_executions_total{status="failure"})',
      'sum by (skill_id) (toolweaver_skill_failures_total)',
    ),
  ).toEqual(said('failures'));
  const averages = await each(
    '1000 * sum by (tool_name) (toolweaver_tool_duration_seconds_sum) / sum by (tool_name) (toolweaver_tool_duration_seconds_count)',
  );
  for (const [name, { averageLatencyMs }] of Object.entries(byTool)) {
    expect(averages[name], name).toBeCloseTo(averageLatencyMs, 6);
  }
});

function key(labels: object): string {
  return JSON.stringify(Object.entries(labels).sort());
}

testWithPromtool('promtool finds nothing in the metrics but the milliseconds that the documents name', async () => {
  for (const { client, backend } of await programs()) {
    record(client);
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await backend.scrape(),
      encoding: 'utf8',
    });
    expect({ stdout, stderr }).toEqual({
      stdout: '',
      stderr: 'toolweaver_skill_latency_milliseconds use base unit "seconds" instead of "milliseconds"\n',
    });
  }
});
