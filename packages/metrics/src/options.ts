import {
  checkOptions,
  createOptionChecks,
  defaultLatencyBucketsMs,
  describeValue,
  type EnvReader,
  type OptionChecks,
  type OptionNames,
} from '@toolweaver/analytics-core/backend';
import { type CatalogueEntry, catalogue, type Metric, type OptionalLabel } from './catalogue.ts';

/** The names that metrics have: ours, those of OpenTelemetry's GenAI conventions, or both at once. */
export type SemanticConventions = 'toolweaver' | 'genai' | 'both';

/** Names, labels and buckets of metrics, as all metrics backends take them. */
export interface MetricsOptions {
  /** Prefix of the names of our metrics, before an underscore: letters, digits and underscores. Default: `toolweaver`. */
  readonly namespace?: string | undefined;
  /** Labels added to each of our metrics that is counted from events; each makes many more series. Default: none. */
  readonly labels?: readonly OptionalLabel[] | undefined;
  /** Upper bounds of the buckets of all our latencies, in ms, ascending. Default: 10 ms to 60 s in eleven steps. */
  readonly latencyBucketsMs?: readonly number[] | undefined;
  /** Most series of a metric, never removed. Later label sets share one, or one per outcome or token type. Default: 2000. */
  readonly maxLabelSets?: number | undefined;
}

/** The names of these options, with which a backend that includes them refuses unknown options. */
export const metricsOptionNames: OptionNames<MetricsOptions> = {
  namespace: true,
  labels: true,
  latencyBucketsMs: true,
  maxLabelSets: true,
};

/** The options with their defaults filled in. */
export type ResolvedMetricsOptions = { readonly [K in keyof MetricsOptions]-?: Exclude<MetricsOptions[K], undefined> };

const optionalLabels: readonly OptionalLabel[] = ['org_id', 'user_id'];
const maxBuckets = 200;
/** How all numbers in the environment are written. */
const decimal = /^\d+(\.\d+)?$/;

/** Returns the options with their defaults, which must not be used if there was a problem. */
export function resolveMetricsOptions(check: OptionChecks, options: MetricsOptions): ResolvedMetricsOptions {
  const {
    namespace = 'toolweaver',
    labels = [],
    latencyBucketsMs = defaultLatencyBucketsMs,
    maxLabelSets = 2000,
  } = options;
  function refuse(field: keyof MetricsOptions, message: string): void {
    check.problem(field, `${message}, got ${shown(options[field])}`);
  }
  if (typeof namespace !== 'string' || !/^[a-z]\w{0,62}$/i.test(namespace)) {
    refuse('namespace', 'must begin with a letter and have only letters, digits and underscores, at most 63 of them');
  }
  if (!areLabels(labels)) {
    refuse('labels', `must be a list of some of ${optionalLabels.join(', ')}, each at most once`);
  }
  if (!areBounds(latencyBucketsMs)) {
    refuse('latencyBucketsMs', `must be 1 to ${maxBuckets} numbers above 0, each higher than the one before`);
  }
  check.number('maxLabelSets', maxLabelSets, { min: 1, max: 1_000_000, whole: true });
  return {
    namespace,
    // Copies, so that the caller cannot change the buckets later: the width of rows is fixed.
    labels: areLabels(labels) ? [...labels] : [],
    latencyBucketsMs: areBounds(latencyBucketsMs) ? [...latencyBucketsMs] : [],
    maxLabelSets,
  };
}

/** Shows a list with its items, because the wrong one may be far from the first. */
function shown(value: unknown): string {
  if (!Array.isArray(value)) {
    return describeValue(value);
  }
  const items = value.slice(0, maxBuckets).map(describeValue);
  return `[${[...items, ...(items.length < value.length ? ['…'] : [])].join(', ')}]`;
}

function areLabels(labels: unknown): labels is readonly OptionalLabel[] {
  return (
    Array.isArray(labels) &&
    labels.every((label) => optionalLabels.includes(label)) &&
    new Set(labels).size === labels.length
  );
}

function areBounds(bounds: unknown): bounds is readonly number[] {
  return (
    Array.isArray(bounds) &&
    bounds.length >= 1 &&
    bounds.length <= maxBuckets &&
    bounds.every((bound, at) => Number.isFinite(bound) && bound > (at === 0 ? 0 : bounds[at - 1]))
  );
}

/**
 * Reads the variables that all metrics backends share: `ANALYTICS_METRICS_NAMESPACE`, `ANALYTICS_METRICS_LABELS` (`org_id`,
 * `user_id`), `ANALYTICS_METRICS_BUCKETS_MS` (comma-separated numbers) and `ANALYTICS_METRICS_MAX_LABEL_SETS`.
 */
export function readMetricsOptions(vars: EnvReader): MetricsOptions {
  const buckets = vars
    .list('ANALYTICS_METRICS_BUCKETS_MS')
    ?.map((bound) => (decimal.test(bound) ? Number(bound) : bound));
  const options: MetricsOptions = {
    namespace: vars.text('ANALYTICS_METRICS_NAMESPACE'),
    labels: vars.list('ANALYTICS_METRICS_LABELS') as readonly OptionalLabel[] | undefined,
    // Anything that is not a number is refused below.
    latencyBucketsMs: buckets as readonly number[] | undefined,
    maxLabelSets: vars.integer('ANALYTICS_METRICS_MAX_LABEL_SETS'),
  };
  const check = createOptionChecks((field, message) => {
    vars.problem(variables[field as keyof MetricsOptions], message);
  });
  resolveMetricsOptions(check, options);
  return options;
}

const variables: Readonly<Record<keyof MetricsOptions, string>> = {
  namespace: 'ANALYTICS_METRICS_NAMESPACE',
  labels: 'ANALYTICS_METRICS_LABELS',
  latencyBucketsMs: 'ANALYTICS_METRICS_BUCKETS_MS',
  maxLabelSets: 'ANALYTICS_METRICS_MAX_LABEL_SETS',
};

/**
 * Returns the metrics of the catalogue, in its order, with these options applied.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem.
 */
export function describeMetrics(options: MetricsOptions = {}): readonly Metric[] {
  const resolved = checkOptions(options, metricsOptionNames, resolveMetricsOptions);
  return Object.values(catalogue).map((entry) => toMetric(entry, resolved));
}

export function toMetric(entry: CatalogueEntry, options: ResolvedMetricsOptions): Metric {
  const { name, type, unit, help, labels, bounds, optionalLabels } = entry;
  const { namespace, latencyBucketsMs } = options;
  return {
    name: `${namespace}_${name}`,
    type,
    unit,
    help,
    labels: optionalLabels ? [...labels, ...options.labels] : labels,
    bounds:
      bounds === 'latencyMs'
        ? latencyBucketsMs
        : bounds === 'latencySeconds'
          ? latencyBucketsMs.map((ms) => ms / 1000)
          : bounds,
    ...(!optionalLabels && { isUnlimited: true }),
  };
}
