import type { Family, Series } from '@toolweaver/analytics-metrics';

type Labels = Readonly<Record<string, string>>;

/**
 * All series of the metrics as lines of the text format, as the Prometheus backend shows them; with `labels` and a time in
 * seconds as a backfill needs them.
 */
export function samples({ metric, series }: Family, extra: Labels = {}, seconds?: number): string[] {
  const { name, bounds = [] } = metric;
  const line = (name: string, labels: Labels, value: number): string => {
    const pairs = Object.entries({ ...labels, ...extra }).filter(([, value]) => value !== '');
    const text = pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',');
    return `${name}{${text}} ${value}${seconds === undefined ? '' : ` ${seconds}`}`;
  };
  return series.flatMap((one) => {
    const labels = labelsOf(metric.labels, one);
    if ('value' in one) {
      return [line(name, labels, one.value)];
    }
    if ('scale' in one) {
      throw new Error(`${name} has exponential buckets`);
    }
    let below = 0;
    const buckets = one.counts.map((count, at) => {
      below += count;
      return line(`${name}_bucket`, { ...labels, le: at < bounds.length ? String(bounds[at]) : '+Inf' }, below);
    });
    return [...buckets, line(`${name}_sum`, labels, one.sum), line(`${name}_count`, labels, one.count)];
  });
}

/** The text format, as it is scraped. */
export function exposition(families: readonly Family[]): string {
  return families
    .map(({ metric, series }) => {
      const lines = samples({ metric, series });
      return [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`, ...lines, ''].join('\n');
    })
    .join('');
}

function labelsOf(names: readonly string[], { labels, isOverflow }: Series): Labels {
  const pairs = names.map((name, at) => [name, labels[at] ?? ''] as const);
  return Object.fromEntries(isOverflow ? [...pairs, ['otel_metric_overflow', 'true']] : pairs);
}
