import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GrafanaOptions, generateFiles } from '@toolweaver/analytics-grafana';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { testWith } from '../../../test/support/peer.ts';
import { alertCases } from './support/alert-cases.ts';
import { amtool, promtool, run } from './support/programs.ts';
import { nodesOf, parsePromql } from './support/promql.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const ruleFiles = (options?: GrafanaOptions) => generateFiles(options).filter(({ path }) => path.startsWith('rules/'));

interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

function groupsOf(text: string): RuleGroup[] {
  return (parse(text) as { groups: RuleGroup[] }).groups;
}

function rulesOf(text: string): Rule[] {
  return groupsOf(text).flatMap(({ rules }) => rules);
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true });
  }
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  folders.push(folder);
  return folder;
}

/** All files in a folder of their own. */
function written(options?: GrafanaOptions): string {
  const folder = newFolder();
  for (const { path, text } of generateFiles(options)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

test.each(
  ruleFiles().flatMap(({ path, text }) =>
    rulesOf(text).map(({ alert, record, expr }) => ({ path, name: alert ?? record, expr })),
  ),
)('is PromQL, in $path: $name', ({ expr }) => {
  expect(() => parsePromql(expr)).not.toThrow();
});

test('every alert is tried, once where it fires and once where it does not', () => {
  const alerts = ruleFiles()
    .flatMap(({ text }) => rulesOf(text))
    .flatMap(({ alert }) => alert ?? []);
  const tried = (does: boolean) =>
    new Set(alertCases.filter(({ fires }) => fires.length > 0 === does).map(({ alert }) => `Toolweaver${alert}`));
  expect(alerts.filter((alert) => !tried(true).has(alert) || !tried(false).has(alert))).toEqual([]);
});

/** The groups with an alert and with what is recorded for it, and no more: promtool evaluates all that it gets. */
function rulesFor(alert: string, options?: GrafanaOptions): RuleGroup[] {
  const groups = ruleFiles(options).flatMap(({ text }) => groupsOf(text));
  const all = groups.flatMap(({ rules }) => rules);
  const needed = new Set(all.filter((rule) => rule.alert === alert));
  for (const { expr } of needed) {
    const names = nodesOf(parsePromql(expr), 'Identifier').map(({ node }) => node.text);
    for (const rule of all.filter(({ record = '' }) => names.includes(record))) {
      needed.add(rule);
    }
  }
  return groups
    .map(({ name, rules }) => ({ name, rules: rules.filter((rule) => needed.has(rule)) }))
    .filter(({ rules }) => rules.length > 0);
}

/** Runs promtool's unit tests of the cases of one alert. */
function tryCases(alert: string, options?: GrafanaOptions): void {
  const cases = alertCases.filter((one) => one.alert === alert);
  const alertname = `Toolweaver${alert}`;
  const groups = rulesFor(alertname, options);
  const links = groups.flatMap(({ rules }) => rules).find((rule) => rule.alert === alertname)?.annotations;
  const tests = {
    rule_files: ['rules.json'],
    // Otherwise in any order, and an alert might see what was recorded an interval ago.
    group_eval_order: groups.map(({ name }) => name),
    evaluation_interval: cases[0]?.interval ?? '5m',
    tests: cases.map(({ interval = '1m', series, at, fires }) => ({
      interval,
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      alert_rule_test: [
        {
          eval_time: at,
          alertname,
          exp_alerts: fires.map(({ labels, summary, description }) => ({
            exp_labels: labels,
            exp_annotations: { ...links, summary, description },
          })),
        },
      ],
    })),
  };
  const folder = newFolder();
  writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups }));
  writeFileSync(join(folder, 'tests.json'), JSON.stringify(tests));
  run(promtool, ['test', 'rules', 'tests.json'], folder);
}

const withPromtool = testWith(promtool !== undefined, 'promtool');

describe('promtool', () => {
  withPromtool('finds nothing to complain about in rules and configuration', async () => {
    for (const options of [{}, { namespace: 'acme_ai' }]) {
      const folder = written(options);
      const paths = ruleFiles(options).map(({ path }) => path);
      run(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', ...paths], folder);
      expect(run(promtool, ['check', 'config', 'prometheus.yml'], folder)).toContain('3 rule files found');
    }
  });

  for (const alert of new Set(alertCases.map(({ alert }) => alert))) {
    const titles = alertCases.filter((one) => one.alert === alert).map(({ title }) => title);
    withPromtool(`${alert}: ${titles.join('; ')}`, async () => tryCases(alert));
  }

  withPromtool('sees a threshold that is another', async () => {
    expect(() => tryCases('FailureRatioHigh', { thresholds: { failureRatio: 0.4 } })).toThrow('got:[]');
  });
});

testWith(amtool !== undefined, 'amtool')('amtool takes the configuration of Alertmanager', async () => {
  expect(run(amtool, ['check-config', 'alertmanager.yml'], written())).toContain('SUCCESS');
});
