import type { SkillExecutionInput } from '@toolweaver/analytics-core';
import { Counter, Histogram, Registry } from 'prom-client';
import type { ToolCall } from './data.ts';

export interface PrometheusByHand {
  record(call: ToolCall): void;
  /** Counts an execution of a skill in three counters and a histogram. */
  recordSkill(execution: SkillExecutionInput): void;
  /** The text of a scrape. */
  metrics(): Promise<string>;
}

const bucketsSeconds = [0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

/**
 * What a careful program does with prom-client: makes the same metrics of a tool's execution as ours, with the same names, labels
 * and buckets: three counters and a histogram, and one more counter for a failure.
 */
export function prometheusByHand({ orgs }: { readonly orgs: boolean }): PrometheusByHand {
  const register = new Registry();
  const common = { registers: [register] };
  const more = orgs ? ['org_id'] : [];
  const tool = ['tool_name', 'toolkit'];
  const executions = new Counter({
    ...common,
    name: 'toolweaver_tool_executions_total',
    help: 'Calls of a tool.',
    labelNames: [...tool, 'status', ...more],
  });
  const errors = new Counter({
    ...common,
    name: 'toolweaver_tool_errors_total',
    help: 'Failed calls of a tool by the type of their error.',
    labelNames: [...tool, 'error_type', ...more],
  });
  const duration = new Histogram({
    ...common,
    name: 'toolweaver_tool_duration_seconds',
    help: 'How long calls of a tool took.',
    labelNames: [...tool, ...more],
    buckets: bucketsSeconds,
  });
  const toolCost = new Counter({
    ...common,
    name: 'toolweaver_tool_cost_usd_total',
    help: 'Known costs of calls of a tool.',
    labelNames: [...tool, ...more],
  });
  const cost = new Counter({
    ...common,
    name: 'toolweaver_cost_dollars_total',
    help: 'Known costs of executions of any kind.',
    labelNames: ['kind', 'name', 'model', ...more],
  });

  const skillCounter = (name: string, help: string): Counter =>
    new Counter({ ...common, name: `toolweaver_skill_${name}_total`, help, labelNames: ['skill_id', ...more] });
  const skillExecutions = skillCounter('executions', 'Executions of a skill.');
  const skillSuccesses = skillCounter('success', 'Executions of a skill that succeeded.');
  const skillFailures = skillCounter('failures', 'Executions of a skill that failed.');
  const skillLatency = new Histogram({
    ...common,
    name: 'toolweaver_skill_latency_milliseconds',
    help: 'How long executions of a skill took.',
    labelNames: ['skill_id', ...more],
    buckets: bucketsSeconds.map((seconds) => seconds * 1000),
  });

  // Labels are spelled out, because spreading one object into several costs more.
  return {
    recordSkill({ skillId: skill_id, orgId, success, latencyMs }) {
      // Add 0, too: a series that appears only with the first failure would hide that failure from every rate.
      if (orgs) {
        const org_id = orgId ?? '';
        skillExecutions.inc({ skill_id, org_id });
        skillSuccesses.inc({ skill_id, org_id }, success ? 1 : 0);
        skillFailures.inc({ skill_id, org_id }, success ? 0 : 1);
        skillLatency.observe({ skill_id, org_id }, latencyMs as number);
        return;
      }
      skillExecutions.inc({ skill_id });
      skillSuccesses.inc({ skill_id }, success ? 1 : 0);
      skillFailures.inc({ skill_id }, success ? 0 : 1);
      skillLatency.observe({ skill_id }, latencyMs as number);
    },
    metrics: () => register.metrics(),
    record({ toolName, toolkit, orgId = '', success, latencyMs, error, cost: { usd } }) {
      const status = success ? 'success' : 'failure';
      const tool_name = toolName;
      if (orgs) {
        executions.inc({ tool_name, toolkit, status, org_id: orgId });
        duration.observe({ tool_name, toolkit, org_id: orgId }, latencyMs / 1000);
        toolCost.inc({ tool_name, toolkit, org_id: orgId }, usd);
        cost.inc({ kind: 'tool', name: tool_name, model: '', org_id: orgId }, usd);
        if (!success) {
          errors.inc({ tool_name, toolkit, error_type: error?.type ?? 'unknown', org_id: orgId });
        }
        return;
      }
      executions.inc({ tool_name, toolkit, status });
      duration.observe({ tool_name, toolkit }, latencyMs / 1000);
      toolCost.inc({ tool_name, toolkit }, usd);
      cost.inc({ kind: 'tool', name: tool_name, model: '' }, usd);
      if (!success) {
        errors.inc({ tool_name, toolkit, error_type: error?.type ?? 'unknown' });
      }
    },
  };
}

/**
 * Compares the non-zero values by series, whatever the order of the labels; sums of money and time to nine digits.
 * @throws Error where two texts do not say the same of the metrics that the first one has.
 */
export function expectSameMetrics(byHand: string, ours: string): void {
  const expected = seriesOf(byHand);
  const found = seriesOf(ours);
  const names = new Set([...expected.keys()].map((series) => series.split(' ')[0]));
  for (const [series, value] of expected) {
    const other = found.get(series) ?? 0;
    if (Math.abs(other - value) > 1e-9 * Math.abs(value)) {
      throw new Error(`${series} is ${value} by hand and ${other} through the client`);
    }
  }
  const surplus = [...found.keys()].filter((series) => names.has(series.split(' ')[0]) && !expected.has(series));
  if (surplus.length > 0) {
    throw new Error(`${surplus.length} series are there through the client alone, such as ${surplus[0]}`);
  }
}

function seriesOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, labels = '', value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    if (Number(value) !== 0) {
      found.set(`${name} ${labels.split(',').sort().join()}`, Number(value));
    }
  }
  return found;
}

/** The number of lines with values, as scrapers count them. */
export function countSamples(text: string): number {
  return text.match(/^[^#\n]/gm)?.length ?? 0;
}
