import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GeneratedFile, generateFiles } from '@toolweaver/analytics-grafana';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { testWith } from '../../../test/support/peer.ts';
import { dashboardsOf, fill, panelsOf } from './support/dashboards.ts';
import { alertmanager, prometheus, promtool, type Server, start, until } from './support/programs.ts';
import { query, type Sample } from './support/query.ts';
import { openScene, type Scene } from './support/scene.ts';
import type { Trouble } from './support/workload.ts';

const withPrometheus = testWith(prometheus !== undefined && promtool !== undefined, 'prometheus');
const withAlertmanager = testWith(
  prometheus !== undefined && promtool !== undefined && alertmanager !== undefined,
  'prometheus-alertmanager',
);

const hours = 1.75;

/** Scrapes and rules every second, and alerts that do not wait, so that a test need not. */
function hurried({ path, text }: GeneratedFile): string {
  return path === 'prometheus.yml'
    ? text.replaceAll('15s', '1s').replace('  scrape_interval: 1s', '  scrape_interval: 1s\n  scrape_timeout: 1s')
    : text.replaceAll(/^ +(?:for|interval): \S+\n/gm, '');
}

interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly {
        readonly name: string;
        readonly type: string;
        readonly health: string;
        readonly lastError?: string;
        readonly state?: string;
      }[];
    }[];
  };
}

async function rulesOf({ url }: Scene) {
  const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as RulesAnswer;
  return data.groups.flatMap(({ rules }) => rules);
}

/** Until scrapes have begun, and each rule has been evaluated since: targets are only looked for every few seconds. */
async function untilAllIsThere(scene: Scene): Promise<void> {
  const needed = [
    'up == 0',
    `job_kind:${scene.namespace}_failure_ratio:rate3d`,
    'rate(tool_duration_ms_count[1m]) > 0',
  ];
  await until('scrapes and rules', async () => {
    const rules = await rulesOf(scene);
    const answers = await Promise.all(needed.map((expr) => ask(scene, expr)));
    return answers.every((answer) => answer.length > 0) && rules.every(({ health }) => health === 'ok');
  });
}

function ask(scene: Scene, expr: string): Promise<Sample[]> {
  return query(scene.url, expr, { time: Date.now() / 1000 });
}

describe('in times of trouble', () => {
  let scene: Scene;
  let pager: Server;
  let folder: string;

  /** In the last half hour a tool and caches go wrong as well. */
  const trouble = (secondsAgo: number): Trouble => (secondsAgo < 1800 ? 'spike' : 'some');

  beforeAll(async () => {
    if (prometheus === undefined || promtool === undefined) {
      return;
    }
    folder = mkdtempSync(join(tmpdir(), 'alertmanager-'));
    const configuration = generateFiles().find(({ path }) => path === 'alertmanager.yml')?.text ?? '';
    writeFileSync(join(folder, 'alertmanager.yml'), configuration);
    if (alertmanager !== undefined) {
      pager = await start(
        alertmanager,
        (address) => [
          '--config.file=alertmanager.yml',
          '--storage.path=data',
          '--cluster.listen-address=',
          `--web.listen-address=${address}`,
        ],
        folder,
      );
    }
    scene = await openScene({
      hours,
      trouble,
      edit: (file) => hurried(file).replace('alertmanager:9093', `127.0.0.1:${pager?.port ?? 9}`),
    });
    await untilAllIsThere(scene);
  }, 180_000);

  afterAll(async () => {
    await scene?.stop();
    await pager?.stop();
    rmSync(folder ?? '', { recursive: true, force: true });
  });

  withPrometheus('every panel of every dashboard has an answer, with the labels of its legend', async () => {
    const wrong: string[] = [];
    for (const dashboard of dashboardsOf()) {
      for (const { title, targets = [] } of panelsOf(dashboard)) {
        for (const { expr, legendFormat } of targets) {
          const filled = fill(expr, { rateInterval: '2m', range: '2h' });
          const answer = await query(scene.url, filled, { start: scene.now - 3600, end: scene.now, step: 60 });
          const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
          if (answer.length === 0 || !labels.every((label) => answer.some(({ metric }) => label in metric))) {
            wrong.push(`${dashboard.title}, ${title}: ${filled}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  withPrometheus('targets are those that give our metrics, or did, and no others of the same Prometheus', async () => {
    const time = scene.now - 60;
    const answerOf = async (title: string) => {
      const panel = dashboardsOf()
        .flatMap(panelsOf)
        .find((one) => one.title === title);
      return query(scene.url, fill(panel?.targets?.[0]?.expr ?? '', { rateInterval: '2m', range: '2h' }), { time });
    };
    expect(await query(scene.url, 'up', { time })).toHaveLength(3);
    expect((await answerOf('Targets up'))[0]?.values[0]?.[1]).toBe(2);
    for (const [title, count] of [
      ['Targets', 2],
      ['Scrape duration', 1],
      ['CPU use', 1],
      ['Resident memory', 1],
    ] as const) {
      const jobs = (await answerOf(title)).map(({ metric }) => metric['job']);
      expect(jobs, title).toEqual(Array(count).fill('toolweaver'));
    }
  });

  withPrometheus('every variable has values to choose from', async () => {
    const empty: string[] = [];
    for (const dashboard of dashboardsOf()) {
      for (const { name, query } of dashboard.templating.list.filter(({ type }) => type === 'query')) {
        const text = typeof query === 'string' ? query : query.query;
        const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
        const match = new URLSearchParams({ 'match[]': fill(selector, { rateInterval: '', range: '' }) });
        const response = await fetch(`${scene.url}/api/v1/label/${label}/values?${match}`);
        const { data } = (await response.json()) as { data: string[] };
        if (data.length === 0) {
          empty.push(`${dashboard.title}, ${name}: ${text}`);
        }
      }
    }
    expect(empty).toEqual([]);
  });

  withPrometheus('every recording rule records', async () => {
    const rules = await rulesOf(scene);
    expect(rules.filter(({ lastError }) => lastError)).toEqual([]);
    const names = new Set(rules.filter(({ type }) => type === 'recording').map(({ name }) => name));
    expect(names.size).toBeGreaterThan(25);
    const empty: string[] = [];
    for (const name of names) {
      if ((await ask(scene, name)).length === 0) {
        empty.push(name);
      }
    }
    expect(empty).toEqual([]);
  });

  withPrometheus('the queries of the documents have answers', async () => {
    for (const expr of documented) {
      expect(await ask(scene, expr), expr).not.toEqual([]);
    }
    // A histogram has no series of its bare name.
    expect(await ask(scene, 'avg(toolweaver_skill_latency_milliseconds)')).toEqual([]);
  });

  withPrometheus('aliases say the same as what they stand for', async () => {
    /** As seen at the moment of the last evaluation. */
    const compare = async (): Promise<[alias: number, original: number][]> => {
      const [evaluated] = await ask(scene, 'max(timestamp(tool_duration_ms_count))');
      const time = evaluated?.values[0]?.[1] ?? 0;
      const value = async (expr: string): Promise<number> =>
        (await query(scene.url, expr, { time }))[0]?.values[0]?.[1] ?? Number.NaN;
      return Promise.all(aliases.map(async ([alias, original]) => [await value(alias), await value(original)]));
    };
    // A scrape may come in late for the moment of an evaluation.
    const differences = async () =>
      (await compare()).filter(([alias, original]) => !(Math.abs(alias / original - 1) < 1e-9));
    await expect.poll(differences, { timeout: 30_000 }).toEqual([]);
    const toolkits = await ask(scene, 'sum by (toolkit_class) (tool_invocations_total)');
    expect(toolkits.map(({ metric }) => metric['toolkit_class']).sort()).toEqual([
      'E2BToolkit',
      'FileToolkit',
      'SerperToolkit',
    ]);
  });

  withAlertmanager('every alert reaches Alertmanager', async () => {
    const alerts = (await rulesOf(scene)).filter(({ type }) => type === 'alerting').map(({ name }) => name);
    // Tried by promtool: one compares with what was recorded five minutes ago, when this Prometheus was not there, and the program
    // here has a single backend, beside which no other can stall.
    const tried = ['ToolweaverErrorSpike', 'ToolweaverDeliveryStalled'];
    const expected = alerts.filter((name) => !tried.includes(name));
    expect(expected).toHaveLength(18);
    const missing = async (): Promise<string[]> => {
      const arrived = (await alertsAt(pager)).map(({ labels }) => labels['alertname']);
      return expected.filter((name) => !arrived.includes(name));
    };
    await expect.poll(missing, { timeout: 30_000, interval: 200 }).toEqual([]);
  });

  withAlertmanager('only what is said already is held back', async () => {
    const heldBack = async (): Promise<string[]> =>
      (await alertsAt(pager))
        .filter(({ status }) => status.inhibitedBy.length > 0)
        .map(({ labels: { alertname = '', kind = '', name = '' } }) => [alertname, kind, name].join(' ').trim())
        .sort();
    await expect
      .poll(heldBack, { timeout: 30_000, interval: 200 })
      .toEqual([
        'ToolweaverErrorBudgetBurn1d operation',
        'ToolweaverErrorBudgetBurn3d operation',
        'ToolweaverSuccessRatioLow operation sync',
        'ToolweaverSuccessRatioLow skill extract_invoice',
        'ToolweaverSuccessRatioLow tool web_search',
      ]);
  });
});

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly inhibitedBy: readonly string[] };
}

async function alertsAt({ url }: Server): Promise<Alert[]> {
  return (await (await fetch(`${url}/api/v2/alerts`)).json()) as Alert[];
}

const documented = [
  'topk(10, rate(toolweaver_skill_executions_total[5m]))',
  '100 * (rate(toolweaver_skill_success_total[5m]) / rate(toolweaver_skill_executions_total[5m]))',
  // Instead of `avg(toolweaver_skill_latency_milliseconds)`.
  'sum(rate(toolweaver_skill_latency_milliseconds_sum[5m])) / sum(rate(toolweaver_skill_latency_milliseconds_count[5m]))',
  'sum(rate(tool_invocations_success_total[5m])) by (toolkit_class) / sum(rate(tool_invocations_total[5m])) by (toolkit_class)',
  'histogram_quantile(0.95, sum(rate(tool_duration_ms_bucket[5m])) by (le, tool_name))',
  'sum(rate(tool_invocations_failed_total[5m])) by (toolkit_class, error_type)',
];

const aliases = [
  ['sum(tool_invocations_total)', 'sum(toolweaver_tool_executions_total)'],
  ['sum(tool_invocations_success_total)', 'sum(toolweaver_tool_executions_total{status="success"})'],
  ['sum(tool_invocations_failed_total)', 'sum(toolweaver_tool_executions_total{status="failure"})'],
  ['sum(tool_duration_ms_bucket{le="500"})', 'sum(toolweaver_tool_duration_seconds_bucket{le="0.5"})'],
  ['sum(tool_duration_ms_sum)', '1000 * sum(toolweaver_tool_duration_seconds_sum)'],
  ['sum(tool_duration_ms_count)', 'sum(toolweaver_tool_duration_seconds_count)'],
  [
    'histogram_quantile(0.95, sum by (le) (tool_duration_ms_bucket))',
    '1000 * histogram_quantile(0.95, sum by (le) (toolweaver_tool_duration_seconds_bucket))',
  ],
] as const;

describe('while all is well, under another namespace', () => {
  let scene: Scene;

  beforeAll(async () => {
    if (prometheus === undefined || promtool === undefined) {
      return;
    }
    scene = await openScene({ hours, trouble: () => 'none', options: { namespace: 'acme' }, edit: hurried });
    await untilAllIsThere(scene);
  }, 180_000);

  afterAll(() => scene?.stop());

  withPrometheus('no alert fires but the one for the program that is gone', async () => {
    const firing = async () =>
      (await rulesOf(scene)).filter(({ state = 'inactive' }) => state !== 'inactive').map(({ name }) => name);
    await expect.poll(firing, { timeout: 30_000 }).toEqual(['AcmeTargetDown']);
  });
});
