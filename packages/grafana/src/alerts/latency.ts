import type { ThresholdName } from '../thresholds.ts';
import type { Alert, AlertParts, DashboardName } from './alert.ts';

interface Subject {
  readonly name: string;
  readonly kind: string;
  readonly noun: string;
  readonly threshold: ThresholdName;
  readonly dashboard: DashboardName;
}

const subjects: readonly Subject[] = [
  { name: 'SkillLatencyHigh', kind: 'skill', noun: 'skill', threshold: 'skillP95Ms', dashboard: 'skills' },
  { name: 'ToolLatencyHigh', kind: 'tool', noun: 'tool', threshold: 'toolP95Ms', dashboard: 'tools' },
  { name: 'LlmLatencyHigh', kind: 'llm', noun: 'model', threshold: 'llmP95Ms', dashboard: 'llm' },
];

const look = (kind: string): string[] => [
  'The heatmap of the dashboard: did all executions become slower, or only a part?',
  'Failures at the same time: time-outs and retries are slow as well.',
  `Which execution it was: \`reader.listExecutions({ kind: '${kind}', name, from: Date.now() - 3_600_000, orderBy: 'latencyMs' })\` of the SQLite backend gives the slowest of the last hour with their runs.`,
];

/** Alerts on how long executions take. */
export function latencyAlerts({ names, thresholds, enough }: AlertParts): Alert[] {
  const { minExecutions, runMeanMs } = thresholds;
  return [
    ...subjects.map(({ name, kind, noun, threshold, dashboard }): Alert => {
      const limit = seconds(thresholds[threshold]);
      return {
        name,
        severity: 'warning',
        expr: `${names.p95Seconds}{kind="${kind}"} > ${thresholds[threshold] / 1000}\nand ${enough}`,
        for: '10m',
        summary: `The P95 of ${noun} {{ $labels.name }} in {{ $labels.job }} is {{ $value | humanizeDuration }}.`,
        description: `Over 15 minutes, with at least ${minExecutions} executions; ${limit} is the limit.`,
        dashboard,
        thresholds: [threshold, 'minExecutions'],
        runbook: {
          meaning: `One in twenty executions of this ${noun} has taken longer than ${limit} over 15 minutes, for 10 minutes.`,
          impact: 'Users wait; what calls it may run into its own time-outs, and retries then double the load.',
          look: look(kind),
          act: [
            'Lower the concurrency, if what it calls is overloaded or limits rates.',
            'Cache what is asked again and again.',
            kind === 'llm'
              ? 'Take a smaller or nearer model, or ask for fewer tokens.'
              : 'Give what it calls a time-out shorter than users are patient.',
          ],
          tuning: `Set \`${threshold}\` for the slowest ${noun} that is as it should be. A percentile is as exact as its bucket (\`latencyBucketsMs\`), and never above the highest bound.`,
        },
      };
    }),
    {
      name: 'RunsSlow',
      severity: 'warning',
      expr: `${names.meanSeconds}{kind=~"agent|search|operation"} > ${runMeanMs / 1000}`,
      for: '5m',
      summary: `{{ $labels.kind }} {{ $labels.name }} in {{ $labels.job }} takes {{ $value | humanizeDuration }} on average.`,
      description: `Over an hour; ${seconds(runMeanMs)} is the limit.`,
      dashboard: 'overview',
      thresholds: ['runMeanMs'],
      runbook: {
        meaning: `The mean duration of an agent, a search or another operation over an hour is above ${seconds(runMeanMs)}. It is a mean, because percentiles end at the highest bucket, which is a minute by default.`,
        impact: 'Whole tasks take long; long runs are mostly expensive ones, too.',
        look: [
          'Dashboard Overview, panels of durations: is a tool or a model under it slow? Then begin there.',
          'Dashboard LLM models and cost: more "Calls a second" for as many runs mean that they go in circles.',
          "`reader.listRuns({ from: Date.now() - 86_400_000, orderBy: 'durationMs' })` of the SQLite backend gives the longest runs of a day.",
        ],
        act: ['Limit depth, steps or retries of the agent.', 'Stop runs that have made no progress.'],
        tuning: 'Set `runMeanMs` for the longest kind of run that is as it should be.',
      },
    },
  ];
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
