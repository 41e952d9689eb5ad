import { createHash } from 'node:crypto';
import { catalogue, type MetricKey } from '@toolweaver/analytics-metrics';
import type { DashboardName } from './alerts/alert.ts';
import { datasource, type Panel, panelHeight, panelJson } from './panel.ts';

/** What a dashboard shows, before it becomes JSON. */
export interface Dashboard {
  readonly name: DashboardName;
  readonly title: string;
  readonly description: string;
  /** The metric from which the lists of jobs and instances come. */
  readonly metric: MetricKey;
  /** Labels to filter by, each with a metric that has it. */
  readonly filters: readonly Filter[];
  readonly rows: readonly Row[];
}

interface Filter {
  /** Name of the variable, as in `$skill`. */
  readonly name: string;
  readonly label: string;
  readonly metric: MetricKey;
  readonly of: string;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const gridColumns = 24;

/** Returns a valid Grafana uid: at most 40 letters, digits, `-` and `_`. */
export function dashboardUid(namespace: string, name: string): string {
  const longest = 24;
  const short =
    namespace.length <= longest
      ? namespace
      : `${namespace.slice(0, 15)}-${createHash('sha256').update(namespace).digest('hex').slice(0, 8)}`;
  return `${short}-${name}`;
}

/** The JSON model of a dashboard, in the classic schema that every Grafana from 9 on imports. */
export function dashboardJson(dashboard: Dashboard, namespace: string): Record<string, unknown> {
  const { name, title, description, metric, filters, rows } = dashboard;
  const labelsOf = (key: MetricKey, matchers: string, label: string): string =>
    `label_values(${namespace}_${catalogue[key].name}${matchers}, ${label})`;
  return {
    ...frame(namespace, name, title, description),
    templating: {
      list: [
        datasourceVariable,
        queryVariable('job', 'Job', labelsOf(metric, '', 'job'), '.+'),
        queryVariable('instance', 'Instance', labelsOf(metric, '{job=~"$job"}', 'instance'), '.+'),
        ...filters.map(({ name, label, metric, of }) =>
          // `.*` also selects the overflow series, which lacks the label.
          queryVariable(name, label, labelsOf(metric, '{job=~"$job", instance=~"$instance"}', of), '.*'),
        ),
      ],
    },
    panels: place(rows),
  };
}

/** The JSON model of a dashboard of text panels, each as wide as the page. */
export function textDashboardJson(
  namespace: string,
  { name, title, description }: { readonly name: string; readonly title: string; readonly description: string },
  texts: readonly { readonly title: string; readonly markdown: string }[],
): Record<string, unknown> {
  const height = 14;
  return {
    ...frame(namespace, name, title, description),
    templating: { list: [] },
    panels: texts.map(({ title, markdown }, at) => ({
      id: at + 1,
      type: 'text',
      title,
      gridPos: { x: 0, y: at * height, w: gridColumns, h: height },
      options: { mode: 'markdown', content: markdown },
    })),
  };
}

/** What all dashboards of a namespace share. */
function frame(namespace: string, name: string, title: string, description: string): Record<string, unknown> {
  return {
    uid: dashboardUid(namespace, name),
    title: `${namespace.slice(0, 1).toUpperCase()}${namespace.slice(1)} / ${title}`,
    description,
    tags: [namespace],
    schemaVersion: 42,
    version: 1,
    // Dashboards come from files, so changes made in the browser would be lost with the next version.
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from: 'now-6h', to: 'now' },
    refresh: '1m',
    annotations: { list: [] },
    links: [
      {
        title: 'Dashboards',
        type: 'dashboards',
        tags: [namespace],
        asDropdown: true,
        keepTime: true,
        includeVars: true,
        icon: 'external link',
        tooltip: '',
        targetBlank: false,
        url: '',
      },
    ],
  };
}

const datasourceVariable = {
  name: 'datasource',
  type: 'datasource',
  label: 'Data source',
  query: 'prometheus',
  hide: 0,
  refresh: 1,
  includeAll: false,
  multi: false,
  current: {},
  options: [],
} as const;

function queryVariable(name: string, label: string, query: string, allValue: string): Record<string, unknown> {
  return {
    name,
    type: 'query',
    label,
    datasource,
    definition: query,
    query: { query, refId: 'Labels', qryType: 1 },
    // Reload the values whenever the time range changes.
    refresh: 2,
    sort: 1,
    hide: 0,
    multi: true,
    includeAll: true,
    allValue,
    current: { selected: true, text: ['All'], value: ['$__all'] },
    options: [],
  };
}

/** Places rows one below the other, and the panels of each row from left to right. */
function place(rows: readonly Row[]): Record<string, unknown>[] {
  const placed: Record<string, unknown>[] = [];
  let y = 0;
  let id = 0;
  for (const { title, panels } of rows) {
    id += 1;
    placed.push({ id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: gridColumns, h: 1 }, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      if (x + panel.width > gridColumns) {
        y += height;
        x = 0;
        height = 0;
      }
      id += 1;
      const h = panelHeight(panel);
      placed.push(panelJson(panel, id, { x, y, w: panel.width, h }));
      x += panel.width;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}
