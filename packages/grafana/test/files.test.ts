import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAnalytics, isAnalyticsError, memory } from '@toolweaver/analytics-core';
import {
  defaultThresholds,
  type GeneratedFile,
  type GrafanaOptions,
  generateFiles,
} from '@toolweaver/analytics-grafana';
import { describeMetrics } from '@toolweaver/analytics-metrics';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { dashboardsOf, fill, panelsOf } from './support/dashboards.ts';
import { processMetrics } from './support/process.ts';
import { nodesOf, parsePromql } from './support/promql.ts';

const root = join(import.meta.dirname, '..');
const folders = ['dashboards', 'rules', 'runbooks', 'provisioning'];

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

function rulesOf(files: readonly GeneratedFile[]): Rule[] {
  return files
    .filter(({ path }) => path.startsWith('rules/'))
    .flatMap(({ text }) => (parse(text) as { groups: { rules: Rule[] }[] }).groups)
    .flatMap(({ rules }) => rules);
}

const alertsOf = (files: readonly GeneratedFile[]) => rulesOf(files).filter(({ alert }) => alert !== undefined);
const metricsIn = (expr: string) => nodesOf(parsePromql(expr), 'Identifier').map(({ node }) => node.text);

describe('the files beside this package', () => {
  const files = generateFiles();

  test.each(files)('$path is what the catalogue makes (`pnpm run generate` writes it)', ({ path, text }) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });

  test('are no more than these', () => {
    const there = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    const generated = files.map(({ path }) => join(root, path));
    expect(there.filter((path) => !generated.includes(path))).toEqual([]);
  });
});

test('every metric of the catalogue is on a dashboard', () => {
  const shown = new Set(
    dashboardsOf()
      .flatMap(panelsOf)
      .flatMap(({ targets = [] }) => targets)
      .flatMap(({ expr }) => metricsIn(fill(expr, { rateInterval: '5m', range: '6h' })))
      .map((name) => name.replace(/_(?:bucket|count|sum)$/, '')),
  );
  const others = [...shown].filter((name) => !name.startsWith('toolweaver_'));
  const ofProcess = processMetrics()
    .getMetricsAsArray()
    .map(({ name }) => name);
  expect(others.filter((name) => !ofProcess.includes(name)).sort()).toEqual(['scrape_duration_seconds', 'up']);
  expect(describeMetrics().filter(({ name }) => !shown.has(name))).toEqual([]);
});

test('panels of a dashboard do not lie over one another, and have numbers of their own', () => {
  for (const { panels } of dashboardsOf()) {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  }
});

describe('alerts', () => {
  const files = generateFiles({ grafanaUrl: 'https://grafana.example.com/base/' });
  const alerts = alertsOf(files);
  const recorded = rulesOf(files).flatMap(({ record = [] }) => record);
  const runbooks: { panels: { id: number; title: string; options: { content: string } }[] } = JSON.parse(
    files.find(({ path }) => path.endsWith('-runbooks.json'))?.text ?? '',
  );

  test('there are those that the documents ask for', () => {
    expect(alerts.map(({ alert }) => alert?.replace('Toolweaver', ''))).toEqual([
      'SuccessRatioLow',
      'FailureRatioHigh',
      'ErrorSpike',
      'SkillLatencyHigh',
      'ToolLatencyHigh',
      'LlmLatencyHigh',
      'RunsSlow',
      'CostPerHourHigh',
      'CostPerRunHigh',
      'CacheHitRatioDropped',
      'ToolkitCacheHitRatioDropped',
      'HealthScoreLow',
      'EventsDropped',
      'DeliveryStalled',
      'LabelsOverflow',
      'TargetDown',
      'ErrorBudgetBurn1h',
      'ErrorBudgetBurn6h',
      'ErrorBudgetBurn1d',
      'ErrorBudgetBurn3d',
    ]);
  });

  test.each(alerts)(
    '$alert says all that is needed, and its links lead somewhere',
    ({ alert, labels, annotations = {} }) => {
      expect(labels?.['severity']).toMatch(/^(critical|warning|info)$/);
      const { summary, description, runbook_url: runbook, dashboard_url: dashboard } = annotations;
      expect(summary).toContain('{{ $labels.job }}');
      expect(description).toMatch(/\S/);
      const [, panel] =
        /^https:\/\/grafana\.example\.com\/base\/d\/toolweaver-runbooks\?viewPanel=(\d+)$/.exec(runbook ?? '') ?? [];
      expect(runbooks.panels.find(({ id }) => id === Number(panel))?.title).toBe(alert);
      const [, uid] = /^https:\/\/grafana\.example\.com\/base\/d\/(\S+)$/.exec(dashboard ?? '') ?? [];
      expect(dashboardsOf().map((one) => one.uid)).toContain(uid);
    },
  );

  test.each(alerts)('$alert has a runbook with what to look at, to do and to tune', ({ alert, expr }) => {
    const text = files.find(({ path }) => path === `runbooks/${alert}.md`)?.text ?? '';
    expect(text).toMatch(new RegExp(`^# ${alert}\n`));
    for (const heading of ['Where to look', 'What to do', 'False alarms', 'The expression']) {
      expect(text).toMatch(new RegExp(`^## ${heading}\n\n\\S`, 'm'));
    }
    expect(text).toContain(expr);
    expect(runbooks.panels.find(({ title }) => title === alert)?.options.content).toBe(text);
  });

  test('the runbook of lost events says where to look for each reason', () => {
    const { backends } = createAnalytics({ backends: [memory()] }).stats();
    const reasons = Object.keys(backends['memory']?.dropped ?? {}).filter((reason) => reason !== 'sampled');
    expect(reasons.length).toBeGreaterThan(8);
    const text = files.find(({ path }) => path.endsWith('EventsDropped.md'))?.text ?? '';
    expect(reasons.filter((reason) => !text.includes(`\`${reason}\``))).toEqual([]);
  });

  test.each(alerts)('$alert asks for nothing that nobody records', ({ expr }) => {
    const known = [...describeMetrics().map(({ name }) => name), ...recorded, 'up'];
    expect(metricsIn(expr).filter((name) => !known.includes(name))).toEqual([]);
  });

  test('thresholds change what the expressions say', () => {
    for (const [name, value] of Object.entries(defaultThresholds)) {
      const other = value < 1 ? (value + 1) / 2 + 0.001 : value + 1;
      const changed = alertsOf(generateFiles({ thresholds: { [name]: other } }));
      const before = alertsOf(generateFiles());
      expect(changed.filter(({ expr }, at) => expr !== before[at]?.expr).length, name).toBeGreaterThan(0);
    }
  });
});

test.each([
  [
    { name_space: 'acme' },
    'name_space: is not an option; the options are namespace, latencyBucketsMs, grafanaUrl, targets, thresholds',
  ],
  [null, 'options: must be an object, got null'],
])('refuses the options %j', (options, message) => {
  expect(() => generateFiles(options as never)).toThrow(message);
});

test('the README says what the thresholds are', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| ([\d., ]+) \|/gm)].flatMap(
    ([, names = '', values = '']) => {
      const numbers = values.split(', ');
      return names.split(', ').map((name, at) => [name.replaceAll('`', ''), Number(numbers[at])] as const);
    },
  );
  expect(Object.fromEntries(rows)).toEqual(defaultThresholds);
});

describe('another namespace', () => {
  const files = generateFiles({ namespace: 'acme_ai' });

  test('is in the names of files, metrics, alerts and dashboards', () => {
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'dashboards/acme_ai-overview.json',
        'rules/acme_ai-alerts.yaml',
        'runbooks/AcmeAiErrorSpike.md',
      ]),
    );
    const texts = files.filter(({ path }) => /^(dashboards|rules)\//.test(path)).map(({ text }) => text);
    expect(texts.filter((text) => /toolweaver[_:-]/i.test(text))).toEqual([]);
    expect(dashboardsOf({ namespace: 'acme_ai' }).map(({ title }) => title)).toContain('Acme_ai / Overview');
  });

  test('gives every dashboard an identifier that Grafana takes, also where it is long', () => {
    const long = `a${'b'.repeat(61)}`;
    const uids = [`${long}c`, `${long}d`].flatMap((namespace) => dashboardsOf({ namespace }).map(({ uid }) => uid));
    expect(new Set(uids).size).toBe(uids.length);
    expect(uids.filter((uid) => !/^[\w-]{1,40}$/.test(uid))).toEqual([]);
  });
});

test('the files of containers fit together', () => {
  const files = generateFiles();
  const read = (path: string) => parse(files.find((file) => file.path === path)?.text ?? '');
  const { services } = read('compose.yaml') as {
    services: Record<string, { volumes: string[]; ports: string[]; image: string }>;
  };
  const mounts = Object.values(services)
    .flatMap(({ volumes }) => volumes)
    .map((volume) => volume.split(':') as [string, string, string?])
    .filter(([from]) => from.startsWith('./'));
  for (const [from, , mode] of mounts) {
    const path = from.slice(2);
    expect(
      files.some((file) => file.path === path || file.path.startsWith(`${path}/`)),
      path,
    ).toBe(true);
    expect(mode).toBe('ro');
  }
  for (const { ports, image } of Object.values(services)) {
    expect(ports.every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  }
  const { datasources } = read('provisioning/datasources/datasources.yaml') as { datasources: { url: string }[] };
  expect(datasources.map(({ url }) => new URL(url).hostname).filter((host) => !(host in services))).toEqual([]);
  const { providers } = read('provisioning/dashboards/dashboards.yaml') as {
    providers: { options: { path: string } }[];
  };
  expect(mounts.map(([, to]) => to)).toContain(providers[0]?.options.path);
  const { alerting } = read('prometheus.yml') as {
    alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
  };
  expect(alerting.alertmanagers[0]?.static_configs[0]?.targets).toEqual(['alertmanager:9093']);
});

test('the same options make the same texts', () => {
  const options = { namespace: 'acme', thresholds: { costPerHourUsd: 20 } };
  expect(generateFiles(options)).toEqual(generateFiles(options));
});

test('buckets of your own are those of the aliases', () => {
  const aliases = rulesOf(generateFiles({ latencyBucketsMs: [100, 2500, 40_000] })).filter(
    ({ record }) => record === 'tool_duration_ms_bucket',
  );
  expect(aliases.map(({ labels, expr }) => [labels?.['le'], /le=~"([^"]+)"/.exec(expr)?.[1]])).toEqual([
    ['100', '0[.]1'],
    ['2500', '2[.]5'],
    ['40000', '40(?:[.]0)?'],
    ['+Inf', '[+]Inf'],
  ]);
});

function problemsOf(options: GrafanaOptions): string[] {
  try {
    generateFiles(options);
  } catch (error) {
    expect(isAnalyticsError(error)).toBe(true);
    return (error as { problems: { field: string }[] }).problems.map(({ field }) => field);
  }
  return [];
}

test.each<[string, GrafanaOptions, string[]]>([
  ['a namespace', { namespace: '9' }, ['namespace']],
  ['a URL', { grafanaUrl: 'grafana.example.com' }, ['grafanaUrl']],
  ['a URL with a script', { grafanaUrl: 'javascript:alert(1)' }, ['grafanaUrl']],
  ['a URL with a password', { grafanaUrl: 'https://ada:s3cr3t@grafana.example.com' }, ['grafanaUrl']],
  ['a URL with a user', { grafanaUrl: 'https://ada@grafana.example.com' }, ['grafanaUrl']],
  ['no target', { targets: [] }, ['targets']],
  ['a target that is no list', { targets: 'host:8000' as never }, ['targets']],
  ['a target that would break the YAML', { targets: ["a:1'] #"] }, ['targets']],
  ['a port', { targets: ['host:70000'] }, ['targets']],
  ['a threshold out of range', { thresholds: { successRatio: 95 } }, ['thresholds.successRatio']],
  ['a threshold that is no number', { thresholds: { healthScore: Number.NaN } }, ['thresholds.healthScore']],
  ['a threshold that there is not', { thresholds: { nothing: 1 } as object }, ['thresholds.nothing']],
  ['thresholds that are none', { thresholds: null as never }, ['thresholds']],
  ['a percentile that could never be reached', { thresholds: { llmP95Ms: 60_000 } }, ['thresholds.llmP95Ms']],
  ['buckets too low for a threshold', { latencyBucketsMs: [100, 20_000] }, ['thresholds.llmP95Ms']],
  [
    'everything at once',
    { namespace: '', grafanaUrl: '', targets: ['x'], latencyBucketsMs: [2, 1], thresholds: { failureRatio: -1 } },
    ['namespace', 'latencyBucketsMs', 'grafanaUrl', 'targets', 'thresholds.failureRatio'],
  ],
])('refuses %s', (_what, options, fields) => {
  expect(problemsOf(options)).toEqual(fields);
});
