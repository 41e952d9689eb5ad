/** A recording rule of Prometheus, which stores the result of a query under a name. */
export interface Rule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An alerting rule of Prometheus, which alerts while a query has a result. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  /** The time between evaluations. Default: that of Prometheus. */
  readonly interval?: string;
  readonly rules: readonly (Rule | AlertingRule)[];
}
