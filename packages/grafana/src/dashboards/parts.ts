import { atLeast, bars, type Panel, type Query } from '../panel.ts';
import { createPromql, type Promql, type Selection } from '../promql.ts';
import type { Thresholds } from '../thresholds.ts';

/** What the queries of panels are built from. */
export interface DashboardParts {
  /** Queries of the chosen jobs and instances, with rates over Grafana's own interval. */
  readonly now: Promql;
  /** The same over the whole time range of the dashboard. */
  readonly whole: Promql;
  readonly thresholds: Thresholds;
}

export function healthScores({ now, thresholds: { healthScore } }: DashboardParts, where?: string): Panel {
  return bars(
    ['Health score', 'The latest that was set, 0 to 100; the lowest where instances differ.'],
    'short',
    { expr: `min by (skill_id) (${now.select({ key: 'skillHealthScore', where })})`, legend: '{{skill_id}}' },
    atLeast(healthScore),
  );
}

export function percentiles({ quantile }: Promql, selection: Selection): Query[] {
  return [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, '', selection), legend: `P${q * 100}` }));
}

export function dashboardParts(namespace: string, thresholds: Thresholds): DashboardParts {
  const scope = { namespace, matchers: 'job=~"$job", instance=~"$instance"' };
  return {
    now: createPromql({ ...scope, range: '$__rate_interval' }),
    whole: createPromql({ ...scope, range: '$__range', count: 'increase' }),
    thresholds,
  };
}
