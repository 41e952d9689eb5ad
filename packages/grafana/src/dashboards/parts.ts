import { createPromql, type Promql } from '../promql.ts';
import type { Thresholds } from '../thresholds.ts';

/** What the queries of panels are made of. */
export interface DashboardParts {
  /** Of the job and the instances that are chosen, with rates over Grafana's own interval. */
  readonly now: Promql;
  /** The same over all the time that the dashboard shows. */
  readonly whole: Promql;
  readonly thresholds: Thresholds;
}

export function dashboardParts(namespace: string, thresholds: Thresholds): DashboardParts {
  const scope = { namespace, matchers: 'job=~"$job", instance=~"$instance"' };
  return {
    now: createPromql({ ...scope, range: '$__rate_interval' }),
    whole: createPromql({ ...scope, range: '$__range', count: 'increase' }),
    thresholds,
  };
}
