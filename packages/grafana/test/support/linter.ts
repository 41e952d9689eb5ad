import type { Dashboard, Panel, Target, Variable } from './dashboards.ts';
import { fill, panelsOf } from './dashboards.ts';
import { type Node, nodesOf, parsePromql } from './promql.ts';

/** The rules of Grafana's dashboard linter, each with what is wrong. */
export const rules: Readonly<Record<string, (dashboard: Dashboard) => string[]>> = {
  'template-datasource': ({ templating }) => {
    const [one, ...more] = templating.list.filter(({ type }) => type === 'datasource');
    return complain(
      one?.name === 'datasource' && one.label === 'Data source' && one.query === 'prometheus' && more.length === 0,
      'there must be one variable "datasource" of the type datasource, labelled "Data source"',
    );
  },
  'template-job': (dashboard) => templateOf(dashboard, 'job', 'Job'),
  'template-instance': (dashboard) => templateOf(dashboard, 'instance', 'Instance'),
  'template-label-promql': ({ templating }) =>
    templating.list.filter(isQuery).flatMap(({ name, query }) => {
      const text = typeof query === 'string' ? query : query.query;
      const [, selector] = /^label_values\((.+), \w+\)$/.exec(text) ?? [];
      return complain(selector !== undefined && isPromql(selector), `variable ${name}: ${text}`);
    }),
  'template-on-time-change-reload': ({ templating }) =>
    templating.list.filter(isQuery).flatMap(({ name, refresh }) => complain(refresh === 2, `variable ${name}`)),
  'panel-datasource': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, datasource }) => complain(datasource?.uid === `\${datasource}`, title)),
  'panel-title-description': (dashboard) =>
    panelsOf(dashboard).flatMap(({ id, title, description = '' }) =>
      complain(title.trim() !== '' && description.trim() !== '', `panel ${id} ${title}`),
    ),
  'panel-units': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, fieldConfig }) =>
      complain(units.includes(fieldConfig?.defaults.unit ?? ''), `${title}: ${fieldConfig?.defaults.unit}`),
    ),
  'panel-no-targets': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) => complain(targets.length > 0, title)),
  'target-promql': (dashboard) =>
    targetsOf(dashboard).flatMap(({ panel, target }) =>
      complain(isPromql(target.expr), `${panel.title}: ${target.expr}`),
    ),
  'target-job': (dashboard) => matchersOf(dashboard, 'job=~"$job"'),
  'target-instance': (dashboard) => matchersOf(dashboard, 'instance=~"$instance"'),
  'target-rate-interval': (dashboard) =>
    rangesOf(dashboard).flatMap(({ panel, fn, text }) =>
      complain(
        !['rate', 'irate'].includes(fn) || text.endsWith('[$__rate_interval]'),
        `${panel.title}: ${fn}(${text})`,
      ),
    ),
  'target-counter-agg': (dashboard) =>
    selectorsOf(dashboard)
      .filter(({ text }) => /^\w+_total\b/.test(text))
      .flatMap(({ panel, text, above }) =>
        complain(['rate', 'irate', 'increase'].includes(functionAround(above)), `${panel.title}: ${text}`),
      ),
  uneditable: ({ editable }) => complain(editable === false, 'the dashboard can be edited'),
};

/** Of Grafana's units those that fit these metrics. */
const units = ['short', 'percentunit', 'currencyUSD', 'bytes', 'ms', 's', 'ops', 'reqps', 'cps'];

function complain(isRight: boolean, problem: string): string[] {
  return isRight ? [] : [problem];
}

function isQuery({ type }: Variable): boolean {
  return type === 'query';
}

function templateOf({ templating }: Dashboard, name: string, label: string): string[] {
  const variable = templating.list.find((one) => one.name === name);
  return complain(
    variable?.type === 'query' &&
      variable.label === label &&
      variable.datasource?.uid === `\${datasource}` &&
      variable.multi === true &&
      variable.allValue === '.+',
    `the variable ${name} must be a query of $datasource, labelled ${label}, multi, with .+ for all`,
  );
}

function targetsOf(dashboard: Dashboard): { readonly panel: Panel; readonly target: Target }[] {
  return panelsOf(dashboard).flatMap((panel) => (panel.targets ?? []).map((target) => ({ panel, target })));
}

function isPromql(expr: string): boolean {
  try {
    parsePromql(fill(expr, { rateInterval: '5m', range: '6h' }));
    return true;
  } catch {
    return false;
  }
}

/** Grafana's own intervals are no durations; a variable in quotes is a string like any other. */
const placeholders = { $__rate_interval: '11m', $__range: '13m' } as const;

function parse(expr: string): Node {
  return parsePromql(
    Object.entries(placeholders).reduce(
      (text, [name, duration]) => text.replaceAll(`[${name}]`, `[${duration}]`),
      expr,
    ),
  );
}

function found(dashboard: Dashboard, name: string) {
  return targetsOf(dashboard).flatMap(({ panel, target }) => {
    try {
      return nodesOf(parse(target.expr), name).map(({ node, above }) => ({
        panel,
        above,
        text: withVariables(node.text),
      }));
    } catch {
      // Another rule complains.
      return [];
    }
  });
}

function withVariables(text: string): string {
  return Object.entries(placeholders).reduce(
    (all, [name, duration]) => all.replaceAll(`[${duration}]`, `[${name}]`),
    text,
  );
}

const selectorsOf = (dashboard: Dashboard) => found(dashboard, 'VectorSelector');

function matchersOf(dashboard: Dashboard, matcher: string): string[] {
  return selectorsOf(dashboard).flatMap(({ panel, text }) =>
    complain(text.includes(matcher), `${panel.title}: ${text}`),
  );
}

function rangesOf(dashboard: Dashboard) {
  return found(dashboard, 'MatrixSelector').map((one) => ({ ...one, fn: functionAround(one.above) }));
}

/** The name of the function that a selector is the argument of. */
function functionAround(above: readonly Node[]): string {
  const call = above.findLast(({ name }) => name === 'FunctionCall');
  return call?.children[0]?.text ?? '';
}
