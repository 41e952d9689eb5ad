/** `counter`: a total that only rises · `gauge`: a current value · `histogram`: observations, counted in buckets. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** Describes a metric, independent of the backend that shows it. */
export interface Metric {
  /** The name in Prometheus, with the unit and, for a counter, `_total`; in the GenAI conventions, the name that they define. */
  readonly name: string;
  readonly type: MetricType;
  /**
   * In UCUM. Anything that is not a unit of measure is in braces, and a gauge's unit is empty, so that Prometheus, and everything
   * that translates OTLP to it, adds no suffix to the name.
   */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending, without infinity. */
  readonly bounds?: readonly number[] | undefined;
  /** Whether `maxLabelSets` does not apply: it is about the client, not about events, and has few label sets. */
  readonly isUnlimited?: boolean | undefined;
}

/** Labels that make many series, and so are only added on request. */
export type OptionalLabel = 'org_id' | 'user_id';

/** Labels with a few fixed values each. The overflow of a metric has a series for each of these values. */
export const closedLabels: readonly string[] = ['status', 'result', 'type'];

/** A metric before the options: without namespace, optional labels and configured bounds. */
export interface CatalogueEntry extends Omit<Metric, 'bounds' | 'isUnlimited'> {
  /** The name without the namespace. */
  readonly name: string;
  /** `latencyMs` and `latencySeconds`: the configured bounds of latencies. */
  readonly bounds?: 'latencyMs' | 'latencySeconds' | readonly number[];
  /** Whether the optional labels apply: it is counted from events, which can have an organisation and a user. */
  readonly optionalLabels: boolean;
}

/** The key of a metric in the catalogue. */
export type MetricKey =
  | 'skillExecutions'
  | 'skillSuccesses'
  | 'skillFailures'
  | 'skillLatency'
  | 'skillRating'
  | 'skillHealthScore'
  | 'toolExecutions'
  | 'toolErrors'
  | 'toolDuration'
  | 'toolCost'
  | 'cacheRequests'
  | 'toolkitEvents'
  | 'llmCalls'
  | 'llmErrors'
  | 'llmDuration'
  | 'tokenUsage'
  | 'cost'
  | 'requests'
  | 'requestDuration'
  | 'activeOperations'
  | 'analyticsEvents'
  | 'labelOverflow';

/** All of our metrics. Their names are those in the documents that dashboards and alerts are made from. */
export const catalogue: Readonly<Record<MetricKey, CatalogueEntry>> = {
  skillExecutions: {
    name: 'skill_executions_total',
    type: 'counter',
    unit: '{execution}',
    help: 'Executions of a skill.',
    labels: ['skill_id'],
    optionalLabels: true,
  },
  skillSuccesses: {
    name: 'skill_success_total',
    type: 'counter',
    unit: '{execution}',
    help: 'Executions of a skill that succeeded.',
    labels: ['skill_id'],
    optionalLabels: true,
  },
  skillFailures: {
    name: 'skill_failures_total',
    type: 'counter',
    unit: '{execution}',
    help: 'Executions of a skill that failed.',
    labels: ['skill_id'],
    optionalLabels: true,
  },
  skillLatency: {
    name: 'skill_latency_milliseconds',
    type: 'histogram',
    unit: 'ms',
    help: 'How long executions of a skill took.',
    labels: ['skill_id'],
    bounds: 'latencyMs',
    optionalLabels: true,
  },
  skillRating: {
    name: 'skill_rating',
    type: 'histogram',
    unit: '{star}',
    help: 'Ratings of a skill, 1 to 5 stars.',
    labels: ['skill_id'],
    bounds: [1, 2, 3, 4, 5],
    optionalLabels: true,
  },
  skillHealthScore: {
    name: 'skill_health_score',
    type: 'gauge',
    unit: '',
    help: 'The latest health score that was set for a skill, 0 to 100.',
    labels: ['skill_id'],
    optionalLabels: true,
  },
  toolExecutions: {
    name: 'tool_executions_total',
    type: 'counter',
    unit: '{execution}',
    help: 'Calls of a tool.',
    labels: ['tool_name', 'toolkit', 'status'],
    optionalLabels: true,
  },
  toolErrors: {
    name: 'tool_errors_total',
    type: 'counter',
    unit: '{error}',
    help: 'Failed calls of a tool by the type of their error.',
    labels: ['tool_name', 'toolkit', 'error_type'],
    optionalLabels: true,
  },
  toolDuration: {
    name: 'tool_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: 'How long calls of a tool took.',
    labels: ['tool_name', 'toolkit'],
    bounds: 'latencySeconds',
    optionalLabels: true,
  },
  toolCost: {
    name: 'tool_cost_usd_total',
    type: 'counter',
    unit: '{USD}',
    help: 'Known costs of calls of a tool.',
    labels: ['tool_name', 'toolkit'],
    optionalLabels: true,
  },
  cacheRequests: {
    name: 'cache_requests_total',
    type: 'counter',
    unit: '{request}',
    help: 'Executions that said whether a cache answered them.',
    labels: ['kind', 'name', 'result'],
    optionalLabels: true,
  },
  toolkitEvents: {
    name: 'toolkit_events_total',
    type: 'counter',
    unit: '{event}',
    help: 'What happened to toolkits as a whole.',
    labels: ['toolkit', 'operation', 'status'],
    optionalLabels: true,
  },
  llmCalls: {
    name: 'llm_calls_total',
    type: 'counter',
    unit: '{call}',
    help: 'Calls of LLMs.',
    labels: ['model', 'provider', 'status'],
    optionalLabels: true,
  },
  llmErrors: {
    name: 'llm_errors_total',
    type: 'counter',
    unit: '{error}',
    help: 'Failed calls of LLMs by the type of their error.',
    labels: ['model', 'provider', 'error_type'],
    optionalLabels: true,
  },
  llmDuration: {
    name: 'llm_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: 'How long calls of LLMs took.',
    labels: ['model', 'provider', 'status'],
    bounds: 'latencySeconds',
    optionalLabels: true,
  },
  tokenUsage: {
    name: 'token_usage_total',
    type: 'counter',
    unit: '{token}',
    help: 'Tokens by class; the classes share no token.',
    labels: ['model', 'type'],
    optionalLabels: true,
  },
  cost: {
    name: 'cost_dollars_total',
    type: 'counter',
    unit: '{USD}',
    help: 'Known costs of executions of any kind.',
    labels: ['kind', 'name', 'model'],
    optionalLabels: true,
  },
  requests: {
    name: 'request_total',
    type: 'counter',
    unit: '{request}',
    help: 'Executions that are neither skills, tools nor LLM calls: agents, searches and other operations.',
    labels: ['kind', 'operation', 'status'],
    optionalLabels: true,
  },
  requestDuration: {
    name: 'request_duration_seconds',
    type: 'histogram',
    unit: 's',
    help: 'How long agents, searches and other operations took.',
    labels: ['kind', 'operation', 'status'],
    bounds: 'latencySeconds',
    optionalLabels: true,
  },
  activeOperations: {
    name: 'active_operations',
    type: 'gauge',
    unit: '',
    help: 'Measured operations that have begun and not ended.',
    labels: [],
    optionalLabels: false,
  },
  analyticsEvents: {
    name: 'analytics_events_total',
    type: 'counter',
    unit: '{event}',
    help: 'Events by what became of them: delivered to a backend, or dropped and why.',
    labels: ['backend', 'outcome', 'reason'],
    optionalLabels: false,
  },
  labelOverflow: {
    name: 'analytics_label_overflow_total',
    type: 'counter',
    unit: '{event}',
    help: 'Events whose label values came after the limit of label sets, by the metric whose limit it is.',
    labels: ['metric'],
    optionalLabels: false,
  },
};
