import type { Family, LabelSet } from '@toolweaver/analytics-metrics';

type Labels = Readonly<Record<string, string>>;

/**
 * All series of the metrics as lines of the text format, as the Prometheus backend shows them; with `labels` and a time in
 * seconds as a backfill needs them.
 */
export function samples(family: Family, extra: Labels = {}, seconds?: number): string[] {
  const { metric, labelSets } = family;
  const { name, bounds = [] } = metric;
  const line = (name: string, labels: Labels, value: number): string => {
    const pairs = Object.entries({ ...labels, ...extra }).filter(([, value]) => value !== '');
    const text = pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',');
    return `${name}{${text}} ${value}${seconds === undefined ? '' : ` ${seconds}`}`;
  };
  return labelSets.flatMap((labelSet, at) => {
    const labels = labelsOf(metric.labels, labelSet);
    if (family.kind === 'number') {
      return [line(name, labels, family.value(at))];
    }
    if (family.kind === 'exponential') {
      throw new Error(`${name} has exponential buckets`);
    }
    const counts = new Float64Array(bounds.length + 1);
    const sum = family.read(at, counts);
    let below = 0;
    const buckets = Array.from(counts, (count, bucket) => {
      below += count;
      return line(`${name}_bucket`, { ...labels, le: bucket < bounds.length ? String(bounds[bucket]) : '+Inf' }, below);
    });
    return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, below)];
  });
}

/** The text format, as it is scraped. */
export function exposition(families: readonly Family[]): string {
  return families
    .map((family) => {
      const { metric } = family;
      const lines = samples(family);
      return [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`, ...lines, ''].join('\n');
    })
    .join('');
}

function labelsOf(names: readonly string[], { labels, isOverflow }: LabelSet): Labels {
  const pairs = names.map((name, at) => [name, labels[at] ?? ''] as const);
  return Object.fromEntries(isOverflow ? [...pairs, ['otel_metric_overflow', 'true']] : pairs);
}
