import type { AnalyticsEvent, Backend, ClientFigures, ExecutionEvent } from '@toolweaver/analytics-core';
import type { ExecutionTally, Observation } from '@toolweaver/analytics-testkit';

export interface Counters extends Backend {
  /** One series a line: its labels as JSON, a blank, its value. */
  scrape(): string;
}

type Labels = Readonly<Record<string, string>>;

/** What a metric store is like: it adds up at once, keeps no single event, and is read as text. */
export function counters(): Counters {
  const series = new Map<string, number>();
  let client: ClientFigures | undefined;
  function set(labels: Labels, update: (before: number) => number): void {
    const key = JSON.stringify(labels);
    series.set(key, update(series.get(key) ?? 0));
  }
  function add(labels: Labels, amount: number): void {
    set(labels, (before) => before + amount);
  }

  function count(event: AnalyticsEvent): void {
    switch (event.type) {
      case 'execution':
        countExecution(event);
        break;
      case 'rating':
        add({ metric: 'ratings', skill: event.skillId }, 1);
        add({ metric: 'stars', skill: event.skillId }, event.rating);
        break;
      case 'health':
        set({ metric: 'health', skill: event.skillId }, () => event.score);
        break;
      case 'toolkit': {
        const { toolkit, operation } = event;
        add({ metric: 'toolkits', toolkit, operation, status: event.success ? 'success' : 'failure' }, 1);
        break;
      }
      default:
    }
  }

  function countExecution({ kind, name, weight = 1, success, latencyMs, cost, usage, error }: ExecutionEvent): void {
    const subject = { kind, name };
    // Both outcomes exist from the start, and failures are split by their type.
    add({ metric: 'successes', ...subject }, success ? weight : 0);
    add({ metric: 'failures', ...subject, type: error?.type ?? 'unknown' }, success ? 0 : weight);
    if (latencyMs !== undefined) {
      add({ metric: 'latencies', ...subject }, weight);
      add({ metric: 'latency_seconds', ...subject }, (latencyMs * weight) / 1000);
    }
    if (cost !== undefined) {
      add({ metric: 'nano_usd', ...subject }, cost.nanoUsd * weight);
    }
    for (const [tokenClass, tokens] of Object.entries(usage ?? {})) {
      add({ metric: 'tokens', ...subject, class: tokenClass }, tokens * weight);
    }
  }

  return {
    name: 'counters',
    delivery: 'counting',
    settings: { metrics: 10 },
    write(events) {
      events.forEach(count);
    },
    attach(figures) {
      client = figures;
    },
    scrape() {
      client?.stats();
      return [...series].map(([labels, value]) => `${labels} ${value}\n`).join('');
    },
  };
}

/** What a scrape says. */
export function parseScrape(text: string): Observation {
  const samples = text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const blank = line.lastIndexOf(' ');
      return { labels: JSON.parse(line.slice(0, blank)) as Labels, value: Number(line.slice(blank + 1)) };
    });
  const of = (metric: string): typeof samples => samples.filter(({ labels }) => labels['metric'] === metric);
  const label = (labels: Labels, name: string): string => labels[name] ?? '';
  const same = (one: Labels, other: Labels): boolean =>
    one['kind'] === other['kind'] && one['name'] === other['name'] && one['skill'] === other['skill'];
  const seriesOf = (metric: string, labels: Labels): number | undefined =>
    of(metric).find((sample) => same(sample.labels, labels))?.value;

  const executions = ['successes', 'failures'].flatMap((metric) =>
    of(metric).map(({ labels, value }): ExecutionTally => {
      const subject = { kind: label(labels, 'kind') as ExecutionTally['kind'], name: label(labels, 'name') };
      const successes = metric === 'successes' ? value : 0;
      const outcome = { ...subject, count: value, successes, failures: value - successes };
      if (metric === 'failures') {
        return outcome;
      }
      const tokens = of('tokens')
        .filter((sample) => same(sample.labels, labels))
        .map((sample) => [label(sample.labels, 'class'), sample.value]);
      return {
        ...outcome,
        latency: {
          count: seriesOf('latencies', labels) ?? 0,
          sumMs: (seriesOf('latency_seconds', labels) ?? 0) * 1000,
        },
        nanoUsd: seriesOf('nano_usd', labels) ?? null,
        tokens: tokens.length === 0 ? null : Object.fromEntries(tokens),
      };
    }),
  );
  return {
    executions,
    ratings: of('ratings').map(({ labels, value }) => ({
      skillId: label(labels, 'skill'),
      count: value,
      sum: seriesOf('stars', labels) ?? 0,
    })),
    health: of('health').map(({ labels, value }) => ({ skillId: label(labels, 'skill'), score: value })),
    toolkits: of('toolkits').map(({ labels, value }) => ({
      toolkit: label(labels, 'toolkit'),
      operation: label(labels, 'operation') as 'create',
      count: value,
      failures: labels['status'] === 'failure' ? value : 0,
    })),
  };
}
