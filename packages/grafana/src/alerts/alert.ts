import type { Promql } from '../promql.ts';
import type { Recorded } from '../recording.ts';
import type { ThresholdName, Thresholds } from '../thresholds.ts';

export type Severity = 'critical' | 'warning' | 'info';

/** What to know when an alert has fired. In the texts of lists `code` may stand in backticks. */
interface Runbook {
  /** What is true while it fires. */
  readonly meaning: string;
  /** What it costs whom. */
  readonly impact: string;
  /** Where to look, in this order. */
  readonly look: readonly string[];
  /** What has helped. */
  readonly act: readonly string[];
  /** When it fires for nothing, and what to change then. */
  readonly tuning: string;
}

export interface Alert {
  /** After the namespace. */
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long the expression must hold; undefined for at once. */
  readonly for?: string | undefined;
  /** Go templates of Prometheus. */
  readonly summary: string;
  readonly description: string;
  /** The dashboard that shows it. */
  readonly dashboard: DashboardName;
  readonly thresholds: readonly ThresholdName[];
  readonly runbook: Runbook;
}

export type DashboardName = 'overview' | 'skills' | 'tools' | 'llm' | 'toolkits' | 'health';

/** What the expressions of alerts are made of. */
export interface AlertParts {
  readonly thresholds: Thresholds;
  readonly names: Recorded;
  /** Without matchers. */
  over(range: string): Promql;
}
