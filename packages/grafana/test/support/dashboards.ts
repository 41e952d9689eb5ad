import { type GrafanaOptions, generateFiles } from '@toolweaver/analytics-grafana';

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource?: { readonly uid: string };
}

export interface Threshold {
  readonly color: string;
  readonly value: number | null;
}

interface FieldConfig {
  readonly defaults: {
    readonly unit?: string;
    readonly thresholds: { readonly steps: readonly Threshold[] };
    readonly custom: { readonly stacking?: { readonly mode: string } };
  };
  readonly overrides: readonly {
    readonly matcher: { readonly options: string };
    readonly properties: readonly { readonly value: string }[];
  }[];
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly fieldConfig?: FieldConfig;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: { readonly uid: string };
  readonly multi?: boolean;
  readonly allValue?: string;
  readonly refresh?: number;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly editable: boolean;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

/** All dashboards of panels, as their JSON says. */
export function dashboardsOf(options?: GrafanaOptions): Dashboard[] {
  return generateFiles(options)
    .filter(({ path }) => path.startsWith('dashboards/') && !path.endsWith('-runbooks.json'))
    .map(({ text }) => JSON.parse(text));
}

/** Whatever asks something. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.filter(({ type }) => type !== 'row');
}

/** What Grafana makes of a query when all is chosen. */
export function fill(
  expr: string,
  { rateInterval, range }: { readonly rateInterval: string; readonly range: string },
): string {
  return expr
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$__range', range)
    .replaceAll(/\$(?:job|instance)\b/g, '.+')
    .replaceAll(/\$[a-z]+\b/g, '.*');
}
