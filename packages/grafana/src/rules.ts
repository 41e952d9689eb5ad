/** A rule of Prometheus that keeps the answer of a query under a name. */
export interface Rule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A rule of Prometheus that alerts while a query has an answer. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  /** Between evaluations, if not Prometheus' own. */
  readonly interval?: string;
  readonly rules: readonly (Rule | AlertingRule)[];
}
