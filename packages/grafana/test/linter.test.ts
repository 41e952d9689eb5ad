import { describe, expect, test } from 'vitest';
import { type Dashboard, dashboardsOf } from './support/dashboards.ts';
import { rules } from './support/linter.ts';

describe.each(dashboardsOf())('$title', (dashboard) => {
  test.each(Object.entries(rules))('%s', (_rule, problemsOf) => {
    expect(problemsOf(dashboard)).toEqual([]);
  });
});

type Json = Record<string, unknown>;

/** A dashboard in which one thing is wrong. */
function broken(change: (dashboard: Json, panel: Json, target: Json) => unknown): Dashboard {
  const dashboard: Dashboard = structuredClone(dashboardsOf()[0] as Dashboard);
  const panel = dashboard.panels.find(({ type }) => type === 'timeseries');
  change(dashboard as unknown as Json, panel as unknown as Json, panel?.targets?.[0] as unknown as Json);
  return dashboard;
}

function variable(name: string, change: (variable: Json) => unknown): (dashboard: Json) => void {
  return ({ templating }) => change((templating as { list: Json[] }).list.find((one) => one['name'] === name) as Json);
}

const edit = (from: string | RegExp, to: string) => (_dashboard: Json, _panel: Json, target: Json) => {
  target['expr'] = String(target['expr']).replace(from, to);
};

/** What each rule catches. */
const mutants: Readonly<Record<string, (dashboard: Json, panel: Json, target: Json) => unknown>> = {
  'template-datasource': variable('datasource', (one) => Object.assign(one, { label: 'Source' })),
  'template-job': variable('job', (one) => Object.assign(one, { allValue: '.*' })),
  'template-instance': variable('instance', (one) => Object.assign(one, { multi: false })),
  'template-label-promql': variable('job', (one) => Object.assign(one, { query: { query: 'label_values(x{, job)' } })),
  'template-on-time-change-reload': variable('instance', (one) => Object.assign(one, { refresh: 1 })),
  'panel-datasource': (_dashboard, panel) => Object.assign(panel, { datasource: { uid: 'mine' } }),
  'panel-title-description': (_dashboard, panel) => Object.assign(panel, { description: '' }),
  'panel-units': (_dashboard, panel) => Object.assign(panel, { fieldConfig: { defaults: {} } }),
  'panel-no-targets': (_dashboard, panel) => Object.assign(panel, { targets: [] }),
  'target-promql': edit('sum by', 'sum buy'),
  'target-job': edit('job=~"$job", ', ''),
  'target-instance': edit(', instance=~"$instance"', ''),
  'target-rate-interval': edit('[$__rate_interval]', '[5m]'),
  'target-counter-agg': edit(/rate\((\w+\{[^}]*\})\[\$__rate_interval\]\)/, '$1'),
  uneditable: (dashboard) => Object.assign(dashboard, { editable: true }),
};

test.each(Object.entries(rules))('%s finds what is wrong', (rule, problemsOf) => {
  const change = mutants[rule];
  expect(change).toBeDefined();
  expect(problemsOf(broken(change as NonNullable<typeof change>))).toHaveLength(1);
});
