import { stringify } from 'yaml';
import type { Alert } from './alerts/alert.ts';
import { alertGroups, alertName, alertRules } from './alerts/index.ts';
import { aliasRules } from './aliases.ts';
import { dashboardJson, dashboardUid, textDashboardJson } from './dashboard.ts';
import { dashboards } from './dashboards/index.ts';
import { type GrafanaOptions, type ResolvedGrafanaOptions, resolveOptions } from './options.ts';
import {
  alertmanagerFile,
  composeFile,
  dashboardProviderFile,
  datasourcesFile,
  prometheusFile,
} from './provisioning.ts';
import { recordingRules } from './recording.ts';
import type { RuleGroup } from './rules.ts';
import { runbook } from './runbooks.ts';

/** A file made by `generateFiles`, not written to disk. */
export interface GeneratedFile {
  /** Relative to the output folder, with `/` as the separator. */
  readonly path: string;
  readonly description: string;
  readonly text: string;
}

/**
 * Returns all files, generated from the catalogue of metrics. The same options always give the same files.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function generateFiles(options: GrafanaOptions = {}): readonly GeneratedFile[] {
  const resolved = resolveOptions(options);
  const { namespace } = resolved;
  const groups = alertGroups(resolved);
  const alerts = Object.values(groups).flat();
  const books = alerts.map((alert) => ({
    title: alertName(namespace, alert),
    markdown: runbook(namespace, alert, resolved.thresholds),
  }));
  return [
    ...dashboards(resolved).map((dashboard) => ({
      path: `dashboards/${namespace}-${dashboard.name}.json`,
      description: `Dashboard ${dashboard.title}`,
      text: toJson(dashboardJson(dashboard, namespace)),
    })),
    {
      path: `dashboards/${namespace}-runbooks.json`,
      description: 'Dashboard Runbooks: what alerts link to',
      text: toJson(textDashboardJson(namespace, runbooks, books)),
    },
    {
      path: `rules/${namespace}-recording.yaml`,
      description: 'Recording rules, which the alerts need',
      text: ruleFile(recordingRules(resolved)),
    },
    {
      path: `rules/${namespace}-alerts.yaml`,
      description: `${alerts.length} alert rules`,
      text: ruleFile(alertRules(namespace, groups, (alert) => linksOf(alert, alerts, resolved))),
    },
    {
      path: `rules/${namespace}-aliases.yaml`,
      description:
        "Recording rules with the metric names of ROMA-DSPy's documents; leave them out if nobody asks for these",
      text: ruleFile(aliasRules(resolved)),
    },
    ...books.map(({ title, markdown }) => ({
      path: `runbooks/${title}.md`,
      description: `Runbook of ${title}`,
      text: markdown,
    })),
    {
      path: 'provisioning/datasources/datasources.yaml',
      description: "Grafana's data sources: Prometheus and Alertmanager",
      text: datasourcesFile(),
    },
    {
      path: 'provisioning/dashboards/dashboards.yaml',
      description: 'Where Grafana finds the dashboards',
      text: dashboardProviderFile(),
    },
    { path: 'prometheus.yml', description: 'Configuration of Prometheus', text: prometheusFile(resolved) },
    {
      path: 'alertmanager.yml',
      description: 'Configuration of Alertmanager: add who is to be told',
      text: alertmanagerFile(),
    },
    { path: 'compose.yaml', description: 'Prometheus, Alertmanager and Grafana in containers', text: composeFile() },
  ];
}

const runbooks = {
  name: 'runbooks',
  title: 'Runbooks',
  description: 'What each alert means, where to look and what to do.',
} as const;

function linksOf(
  alert: Alert,
  alerts: readonly Alert[],
  { namespace, grafanaUrl }: ResolvedGrafanaOptions,
): { readonly runbook: string; readonly dashboard: string } {
  const link = (name: string): string => `${grafanaUrl}/d/${dashboardUid(namespace, name)}`;
  return {
    runbook: `${link(runbooks.name)}?viewPanel=${alerts.indexOf(alert) + 1}`,
    dashboard: link(alert.dashboard),
  };
}

export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function ruleFile(groups: readonly RuleGroup[]): string {
  return stringify({ groups }, { lineWidth: 0, blockQuote: 'literal' });
}
