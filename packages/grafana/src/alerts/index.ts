import type { ResolvedGrafanaOptions } from '../options.ts';
import { createPromql } from '../promql.ts';
import { recorded } from '../recording.ts';
import type { AlertingRule, RuleGroup } from '../rules.ts';
import type { Alert, AlertParts } from './alert.ts';
import { budgetAlerts } from './budget.ts';
import { costAlerts } from './cost.ts';
import { healthAlerts } from './health.ts';
import { latencyAlerts } from './latency.ts';
import { outcomeAlerts } from './outcomes.ts';

/** Alerts by topic. */
export type AlertGroups = Readonly<Record<string, readonly Alert[]>>;

export function alertGroups({ namespace, thresholds }: ResolvedGrafanaOptions): AlertGroups {
  const names = recorded(namespace);
  const parts: AlertParts = {
    thresholds,
    names,
    enough: `${names.executions('name', '15m')} * 900 >= ${thresholds.minExecutions}`,
    over: (range) => createPromql({ namespace, matchers: '', range }),
  };
  return {
    outcomes: outcomeAlerts(parts),
    latency: latencyAlerts(parts),
    cost: costAlerts(parts),
    health: healthAlerts(parts),
    'error-budget': budgetAlerts(parts),
  };
}

/** Returns the alerts as rule groups. `linksOf` gives the URLs of an alert's runbook and dashboard. */
export function alertRules(
  namespace: string,
  groups: AlertGroups,
  linksOf: (alert: Alert) => { readonly runbook: string; readonly dashboard: string },
): RuleGroup[] {
  return Object.entries(groups).map(([group, alerts]) => ({
    name: `${namespace}-${group}`,
    // Its queries look back over a day, so they run less often.
    ...(group === 'cost' && { interval: '1m' }),
    rules: alerts.map((alert): AlertingRule => {
      const { expr, severity, summary, description, for: wait } = alert;
      const { runbook, dashboard } = linksOf(alert);
      return {
        alert: alertName(namespace, alert),
        expr,
        ...(wait !== undefined && { for: wait }),
        labels: { severity },
        annotations: { summary, description, runbook_url: runbook, dashboard_url: dashboard },
      };
    }),
  }));
}

/** The full name of an alert, such as `ToolweaverErrorSpike`. */
export function alertName(namespace: string, { name }: Alert): string {
  return `${pascalCase(namespace)}${name}`;
}

function pascalCase(text: string): string {
  return text
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}
