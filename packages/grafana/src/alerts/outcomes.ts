import { percent } from '../percent.ts';
import type { Alert, AlertParts } from './alert.ts';

const of = '{{ $labels.kind }} {{ $labels.name }}';
const where = '{{ $labels.job }}';

/** Alerts on the share of executions that fail. */
export function outcomeAlerts({ names, thresholds, enough }: AlertParts): Alert[] {
  const { successRatio, failureRatio, errorSpikeFactor, minExecutions } = thresholds;
  const ratio = (window: string): string => names.failureRatio('name', window);
  const executions = (window: string): string => names.executions('name', window);
  const lookAtErrors = [
    'Dashboard Tools, panel "Errors by type": one type of error points at one cause; many point at a change of ours.',
    "Messages are never in a metric. Where the program also records into SQLite (its `ANALYTICS_DB_PATH`, or the default below), with the kind and the name of the alert: `sqlite3 ~/.toolweaver/analytics.db \"SELECT error_type, error_message, COUNT(*) FROM executions WHERE success = 0 AND kind = 'tool' AND name = 'fetch' AND timestamp >= datetime('now', '-1 hour') GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10\"`.",
    'What was deployed, and which model or prompt was changed, when the ratio began to move.',
  ];
  return [
    {
      name: 'SuccessRatioLow',
      severity: 'warning',
      expr: `(1 - ${ratio('15m')}) < ${successRatio}\nand ${enough}`,
      for: '10m',
      summary: `${of} in ${where} succeeds in {{ $value | humanizePercentage }} of its executions.`,
      description: `Over 15 minutes, with at least ${minExecutions} executions; ${percent(successRatio)} are expected.`,
      dashboard: 'overview',
      thresholds: ['successRatio', 'minExecutions'],
      runbook: {
        meaning: `A skill, tool, model or operation has succeeded in fewer than ${percent(successRatio)} of its executions over 15 minutes, for 10 minutes.`,
        impact: 'Whoever uses it gets errors, or answers that took retries and so time and money.',
        look: lookAtErrors,
        act: [
          'Roll back what was changed last, if the beginning fits.',
          'Where a service of somebody else fails: let it retry with longer pauses, or switch to another tool or model.',
          'Where inputs are at fault: refuse them earlier, with an error that says so.',
        ],
        tuning:
          'A tool whose failures are part of its work (a search that finds nothing) should report success; or raise what it takes by `successRatio`. Seldom used things are spared by `minExecutions`.',
      },
    },
    {
      name: 'FailureRatioHigh',
      severity: 'critical',
      expr: `${ratio('15m')} > ${failureRatio}\nand ${enough}`,
      for: '5m',
      summary: `${of} in ${where} fails in {{ $value | humanizePercentage }} of its executions.`,
      description: `Over 15 minutes, with at least ${minExecutions} executions; at most ${percent(failureRatio)} is tolerated.`,
      dashboard: 'overview',
      thresholds: ['failureRatio', 'minExecutions'],
      runbook: {
        meaning: `A skill, tool, model or operation has failed in more than ${percent(failureRatio)} of its executions over 15 minutes, for 5 minutes.`,
        impact:
          'It does not do its work for many of those who use it, and what is built on it fails too: look which alert began first.',
        look: [
          'Dashboard Overview, panel "Failure ratio by kind": are tools or models under it failing as well? Begin there.',
          ...lookAtErrors,
        ],
        act: [
          'Switch it off, or to another tool or model, if others can do without.',
          'Roll back what was changed last, if the beginning fits.',
          'Refused credentials, quotas and rate limits look like this: renew or raise them.',
        ],
        tuning: 'Raise `failureRatio`, or `minExecutions` where a handful of executions make the ratio.',
      },
    },
    {
      name: 'ErrorSpike',
      severity: 'warning',
      expr: `${ratio('5m')} > ${errorSpikeFactor} * ${ratio('1h')} offset 5m\nand ${ratio('5m')} * ${executions('5m')} * 300 >= ${Math.max(1, minExecutions / 2)}`,
      for: '2m',
      summary: `${of} in ${where} suddenly fails in {{ $value | humanizePercentage }} of its executions.`,
      description: `Over 5 minutes, which is more than ${errorSpikeFactor} times the ratio of the hour before.`,
      dashboard: 'overview',
      thresholds: ['errorSpikeFactor', 'minExecutions'],
      runbook: {
        meaning: `The failure ratio of 5 minutes is more than ${errorSpikeFactor} times that of the hour before, with at least ${Math.max(1, minExecutions / 2)} failures.`,
        impact: 'Something has just begun to fail. It may still be below what is tolerated.',
        look: lookAtErrors,
        act: [
          'Undo the change of the last minutes, if there was one.',
          'Otherwise wait: a spike that goes on becomes one of the other alerts.',
        ],
        tuning:
          'Raise `errorSpikeFactor`. A spike is over after an hour at the latest: then it is what was before. Where nothing was executed in the hour before there is nothing to compare with, so a batch job that starts anew never spikes: its failures are those of FailureRatioHigh.',
      },
    },
  ];
}
