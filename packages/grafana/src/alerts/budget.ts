import { percent } from '../percent.ts';
import type { Alert, AlertParts, Severity } from './alert.ts';

interface Burn {
  readonly long: string;
  readonly longSeconds: number;
  /** A twelfth of the long window: it ends the alert soon after the cause has ended. */
  readonly short: string;
  /** The burn rate: at 1, the budget lasts for exactly 30 days. */
  readonly factor: number;
  readonly for: string;
  readonly severity: Severity;
  /** The share of the budget of 30 days that is spent when the alert begins. */
  readonly share: string;
}

const hour = 3600;

// https://sre.google/workbook/alerting-on-slos/, table 5-8 and its continuation to three days.
const burns: readonly Burn[] = [
  { long: '1h', longSeconds: hour, short: '5m', factor: 14.4, for: '2m', severity: 'critical', share: '2 %' },
  { long: '6h', longSeconds: 6 * hour, short: '30m', factor: 6, for: '15m', severity: 'critical', share: '5 %' },
  { long: '1d', longSeconds: 24 * hour, short: '2h', factor: 3, for: '1h', severity: 'warning', share: '10 %' },
  { long: '3d', longSeconds: 72 * hour, short: '6h', factor: 1, for: '3h', severity: 'warning', share: '10 %' },
];

/** Alerts on how fast the error budget is spent, over both a long and a short window. */
export function budgetAlerts({ names, thresholds: { sloObjective, minExecutions } }: AlertParts): Alert[] {
  const budget = 1 - sloObjective;
  return burns.map(({ long, longSeconds, short, factor, for: wait, severity, share }) => {
    const limit = Number((factor * budget).toPrecision(6));
    const burning = (window: string): string => `${names.failureRatio('kind', window)} > ${limit}`;
    return {
      name: `ErrorBudgetBurn${long}`,
      severity,
      expr: `${burning(long)}\nand ${burning(short)}\nand ${names.executions('kind', long)} * ${longSeconds} >= ${minExecutions}`,
      for: wait,
      summary: `Executions of kind {{ $labels.kind }} in {{ $labels.job }} spend their error budget ${factor === 1 ? 'faster than it lasts' : `more than ${factor} times too fast`}.`,
      description: `{{ $value | humanizePercentage }} of them failed over ${long}, and more than ${percent(limit)} over ${short}; ${percent(budget)} of 30 days may.`,
      dashboard: 'overview',
      thresholds: ['sloObjective', 'minExecutions'],
      runbook: {
        meaning: `${percent(sloObjective)} of the executions of a kind are to succeed over 30 days. Over the last ${long} and the last ${short} more than ${percent(limit)} failed: ${factor === 1 ? 'more than that leaves room for' : `${factor} times what that leaves room for`}. About ${share} of the budget of 30 days is gone.`,
        impact:
          severity === 'critical'
            ? 'At this speed the whole budget is gone within days. Look at it now.'
            : 'It is slow, and no emergency; at this speed the objective will be missed. Look at it on a working day.',
        look: [
          'Dashboard Overview, panel "Failure ratio by kind": since when?',
          'Dashboard Skills, Tools or LLM models and cost: which names make up the failures?',
          'Other alerts of the same job: SuccessRatioLow and FailureRatioHigh name what fails.',
        ],
        act: ['Repair or switch off what fails most.', 'While the budget is spent, prefer repairs to changes.'],
        tuning: `Set \`sloObjective\` to what users need. Below ${minExecutions} executions in ${long} it is silent (\`minExecutions\`).`,
      },
    };
  });
}
