/** A query of a panel. */
export interface Query {
  readonly expr: string;
  /** A template, such as `{{skill_id}}`. */
  readonly legend?: string;
}

/** What a panel shows, without its position. */
export interface Panel {
  readonly type: 'stat' | 'timeseries' | 'bargauge' | 'heatmap' | 'table';
  readonly title: string;
  readonly description: string;
  /** The id of a Grafana unit, such as `percentunit`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** In columns, of which the grid has 24. */
  readonly width: number;
  /** Values at which the colour changes. The first colour is for everything below. */
  readonly limits?: Limits | undefined;
  /** Whether the series are stacked. */
  readonly isStacked?: boolean;
  /** Titles and units of a table's value columns, in the order of its queries. */
  readonly columns?: readonly { readonly title: string; readonly unit: string }[];
}

export interface Limits {
  readonly below: Colour;
  readonly steps: readonly { readonly from: number; readonly colour: Colour }[];
}

type Colour = 'green' | 'yellow' | 'red' | 'blue';

/** Green from `limit` up, yellow from `tolerable`, and red below. */
export function atLeast(limit: number, tolerable: number = limit): Limits {
  const good = { from: limit, colour: 'green' } as const;
  return {
    below: 'red',
    steps: tolerable < limit ? [{ from: tolerable, colour: 'yellow' }, good] : [good],
  };
}

/** Green below the limit, red from there. */
export function atMost(limit: number): Limits {
  return { below: 'green', steps: [{ from: limit, colour: 'red' }] };
}

type PanelText = readonly [title: string, description: string];

/** A single number over the range of the dashboard. */
export function stat([title, description]: PanelText, unit: string, expr: string, limits?: Limits): Panel {
  return { type: 'stat', title, description, unit, queries: [{ expr }], width: 4, limits };
}

export function timeseries(
  [title, description]: PanelText,
  unit: string,
  queries: readonly Query[],
  options: Pick<Panel, 'limits' | 'isStacked'> = {},
): Panel {
  return { type: 'timeseries', title, description, unit, queries, width: 12, ...options };
}

/** A bar for each series, with its value at the end of the range. */
export function bars([title, description]: PanelText, unit: string, query: Query, limits?: Limits): Panel {
  return { type: 'bargauge', title, description, unit, queries: [query], width: 12, limits };
}

/** A heatmap; `expr` must sum buckets by `le`. */
export function heatmap([title, description]: PanelText, unit: string, expr: string): Panel {
  return { type: 'heatmap', title, description, unit, queries: [{ expr, legend: '{{le}}' }], width: 12 };
}

/** A row for each label set, a column for each label and each query. */
export function table(
  [title, description]: PanelText,
  columns: readonly { readonly title: string; readonly unit: string; readonly expr: string }[],
): Panel {
  return {
    type: 'table',
    title,
    description,
    unit: 'short',
    queries: columns.map(({ expr }) => ({ expr })),
    columns: columns.map(({ title, unit }) => ({ title, unit })),
    width: 24,
  };
}

/** A position in Grafana's grid of 24 columns and rows about 30 px high. */
export interface GridPosition {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's syntax
export const datasource = { type: 'prometheus', uid: '${datasource}' } as const;

export function panelHeight({ type }: Panel): number {
  return type === 'stat' ? 4 : 8;
}

/** The JSON model of a panel. */
export function panelJson(panel: Panel, id: number, gridPos: GridPosition): Record<string, unknown> {
  const { type, title, description, unit, limits } = panel;
  return {
    id,
    type,
    title,
    description,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(unit === 'percentunit' && { max: 1 }),
        ...(type === 'timeseries' && { color: { mode: 'palette-classic' } }),
        thresholds: {
          mode: 'absolute',
          steps: [
            { color: limits?.below ?? 'blue', value: null },
            ...(limits?.steps ?? []).map(({ from, colour }) => ({ color: colour, value: from })),
          ],
        },
        custom: custom(panel),
      },
      overrides: (panel.columns ?? []).map(({ title: name, unit: id }) => ({
        matcher: { id: 'byName', options: name },
        properties: [{ id: 'unit', value: id }],
      })),
    },
    options: options(panel),
    ...(type === 'table' && { transformations: transformations(panel) }),
    targets: panel.queries.map((query, at) => target(panel, query, at)),
  };
}

function target({ type }: Panel, { expr, legend }: Query, at: number): Record<string, unknown> {
  return {
    refId: refId(at),
    datasource,
    editorMode: 'code',
    expr,
    legendFormat: legend ?? '__auto',
    ...(type === 'timeseries' || type === 'heatmap' ? { range: true } : { instant: true, range: false }),
    ...(type === 'heatmap' && { format: 'heatmap' }),
    ...(type === 'table' && { format: 'table' }),
  };
}

function refId(at: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + at);
}

function custom({ type, isStacked, limits }: Panel): Record<string, unknown> {
  return type === 'timeseries'
    ? {
        drawStyle: 'line',
        lineWidth: 1,
        fillOpacity: isStacked ? 30 : 8,
        showPoints: 'never',
        spanNulls: false,
        stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
        thresholdsStyle: { mode: limits === undefined ? 'off' : 'dashed' },
      }
    : {};
}

function options({ type, columns = [] }: Panel): Record<string, unknown> {
  const last = { calcs: ['lastNotNull'], fields: '', values: false };
  switch (type) {
    case 'stat':
      return { reduceOptions: last, colorMode: 'value', graphMode: 'none', textMode: 'value', justifyMode: 'center' };
    case 'bargauge':
      return { reduceOptions: last, orientation: 'horizontal', displayMode: 'basic', showUnfilled: true };
    case 'heatmap':
      return {
        calculate: false,
        color: { mode: 'scheme', scheme: 'Blues', steps: 64 },
        cellGap: 1,
        yAxis: { unit: 'short' },
        tooltip: { mode: 'single', yHistogram: true },
        legend: { show: true },
      };
    case 'table':
      return {
        showHeader: true,
        cellHeight: 'sm',
        sortBy: columns.slice(0, 1).map(({ title }) => ({ displayName: title, desc: true })),
      };
    default:
      return {
        legend: { displayMode: 'table', placement: 'right', calcs: ['mean', 'lastNotNull'], showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
  }
}

/** Grafana calls the value of query A `Value #A`. */
function transformations({ columns = [] }: Panel): Record<string, unknown>[] {
  const renameByName = Object.fromEntries(columns.map(({ title }, at) => [`Value #${refId(at)}`, title]));
  return [
    { id: 'merge', options: {} },
    { id: 'organize', options: { excludeByName: { Time: true }, renameByName } },
  ];
}
