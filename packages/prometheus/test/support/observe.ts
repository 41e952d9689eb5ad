import type { ToolkitOperation, Usage } from '@toolweaver/analytics-core';
import type { ExecutionTally, Observation, ToolkitTally } from '@toolweaver/analytics-testkit';
import { type ParsedFamily, parse, type Sample } from './parse.ts';

const nanosPerDollar = 1e9;
/** Fields of usage by the values of the label `type`. */
export const tokenFields: Readonly<Record<string, keyof Usage>> = {
  input: 'inputTokens',
  cache_read: 'cacheReadTokens',
  cache_write: 'cacheWriteTokens',
  output: 'outputTokens',
  reasoning: 'reasoningTokens',
};

/** What the text of a scrape says of the events that were recorded. */
export function observe(text: string): Observation {
  const families = parse(text);
  const samples = (name: string): readonly Sample[] =>
    (families.get(`toolweaver_${name}`) as ParsedFamily | undefined)?.samples ?? [];
  const at = (metric: string, part: string, wanted: Readonly<Record<string, string>>): number | undefined => {
    const found = samples(metric).filter(
      ({ name, labels }) =>
        name === `toolweaver_${metric}${part}` &&
        Object.entries(wanted).every(([label, value]) => labels[label] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  };
  const latency = (metric: string, perMs: number, labels: Readonly<Record<string, string>>) => ({
    count: at(metric, '_count', labels) ?? 0,
    sumMs: (at(metric, '_sum', labels) ?? 0) / perMs,
  });
  const cost = (kind: string, name: string): number | null => {
    const usd = at('cost_dollars_total', '', { kind, name });
    return usd === undefined ? null : Math.round(usd * nanosPerDollar);
  };
  const tokens = (model: string): Usage | null => {
    const classes = Object.entries(tokenFields).map(([type, field]) => [
      field,
      at('token_usage_total', '', { model, type }),
    ]);
    return classes.some(([, count]) => count === undefined) ? null : Object.fromEntries(classes);
  };

  /** Executions that a counter tells apart by `status`. */
  function byStatus(
    metric: string,
    duration: string,
    subjectOf: (labels: Sample['labels']) => Pick<ExecutionTally, 'kind' | 'name'>,
  ): ExecutionTally[] {
    const groups = Map.groupBy(samples(metric), ({ labels: { status, ...labels } }) => JSON.stringify(labels));
    return [...groups].map(([key, group]) => {
      const labels: Record<string, string> = JSON.parse(key);
      const of = (status: string): number =>
        group.find((sample) => sample.labels['status'] === status)?.value ?? Number.NaN;
      const subject = subjectOf(labels);
      return {
        ...subject,
        count: of('success') + of('failure'),
        successes: of('success'),
        failures: of('failure'),
        latency: latency(duration, 1 / 1000, labels),
        ...(subject.kind === 'llm' && { tokens: tokens(subject.name) }),
      };
    });
  }

  const executions: ExecutionTally[] = [
    ...samples('skill_executions_total').map(({ labels, value }): ExecutionTally => {
      const name = labels['skill_id'] as string;
      return {
        kind: 'skill',
        name,
        count: value,
        successes: at('skill_success_total', '', labels) ?? Number.NaN,
        failures: at('skill_failures_total', '', labels) ?? Number.NaN,
        latency: latency('skill_latency_milliseconds', 1, labels),
      };
    }),
    ...byStatus('tool_executions_total', 'tool_duration_seconds', (labels) => ({
      kind: 'tool',
      name: labels['tool_name'] as string,
    })),
    ...byStatus('llm_calls_total', 'llm_duration_seconds', (labels) => ({
      kind: 'llm',
      name: labels['model'] as string,
    })),
    ...byStatus('request_total', 'request_duration_seconds', (labels) => ({
      kind: labels['kind'] as ExecutionTally['kind'],
      name: labels['operation'] as string,
    })),
  ];
  // The cost of a subject goes to the first of its entries.
  const priced = new Set<string>();
  return {
    executions: executions.map((entry) => {
      const key = JSON.stringify([entry.kind, entry.name]);
      const isFirst = !priced.has(key);
      priced.add(key);
      return { ...entry, nanoUsd: isFirst ? cost(entry.kind, entry.name) : null };
    }),
    ratings: samples('skill_rating')
      .filter(({ name }) => name.endsWith('_count'))
      .map(({ labels, value }) => ({
        skillId: labels['skill_id'] as string,
        count: value,
        sum: at('skill_rating', '_sum', labels) ?? Number.NaN,
      })),
    health: samples('skill_health_score').map(({ labels, value }) => ({
      skillId: labels['skill_id'] as string,
      score: value,
    })),
    toolkits: samples('toolkit_events_total').map(
      ({ labels, value }): ToolkitTally => ({
        toolkit: labels['toolkit'] as string,
        operation: labels['operation'] as ToolkitOperation,
        count: value,
        failures: labels['status'] === 'failure' ? value : 0,
      }),
    ),
  };
}
