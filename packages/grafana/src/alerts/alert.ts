import type { Promql } from '../promql.ts';
import type { Recorded } from '../recording.ts';
import type { ThresholdName, Thresholds } from '../thresholds.ts';

export type Severity = 'critical' | 'warning' | 'info';

/** What to know when an alert has fired. List items may contain `code` in backticks. */
interface Runbook {
  /** What is true while the alert fires. */
  readonly meaning: string;
  /** Who suffers from it, and how. */
  readonly impact: string;
  /** Where to look, in this order. */
  readonly look: readonly string[];
  /** What to do about it. */
  readonly act: readonly string[];
  /** When it is a false alarm, and what to change then. */
  readonly tuning: string;
}

export interface Alert {
  /** The name without the namespace that precedes it. */
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long the expression must hold; undefined if the alert fires at once. */
  readonly for?: string | undefined;
  /** A Go template for Prometheus, as is `description`. */
  readonly summary: string;
  readonly description: string;
  /** The dashboard that shows what the alert is about. */
  readonly dashboard: DashboardName;
  readonly thresholds: readonly ThresholdName[];
  readonly runbook: Runbook;
}

export type DashboardName = 'overview' | 'skills' | 'tools' | 'llm' | 'toolkits' | 'health';

/** What the expressions of alerts are built from. */
export interface AlertParts {
  readonly thresholds: Thresholds;
  readonly names: Recorded;
  /** Whether there were enough executions in 15 minutes to judge a name by them. */
  readonly enough: string;
  /** Queries over a range, without matchers. */
  over(range: string): Promql;
}
