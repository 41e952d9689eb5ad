import type { Alert } from './alerts/alert.ts';
import { alertName } from './alerts/index.ts';
import { type Thresholds, thresholdTable } from './thresholds.ts';

/** Returns the runbook of an alert, as Markdown. */
export function runbook(namespace: string, alert: Alert, thresholds: Thresholds): string {
  const { severity, expr, runbook, for: wait, thresholds: names } = alert;
  const { meaning, impact, look, act, tuning } = runbook;
  const list = (items: readonly string[], mark: (at: number) => string): string =>
    items.map((item, at) => `${mark(at)} ${item}`).join('\n');
  const parts = [
    `# ${alertName(namespace, alert)}`,
    `**${severity}**, ${wait === undefined ? 'at once' : `after ${wait}`}. ${meaning}`,
    `**Impact.** ${impact}`,
    '## Where to look',
    list(look, (at) => `${at + 1}.`),
    '## What to do',
    list(act, () => '-'),
    '## False alarms',
    tuning,
    ...(names.length === 0
      ? []
      : [
          list(
            names.map((name) => `\`${name}\`, now ${thresholds[name]}: ${thresholdTable[name].help}.`),
            () => '-',
          ),
        ]),
    '## The expression',
    `\`\`\`promql\n${expr}\n\`\`\``,
  ];
  return `${parts.join('\n\n')}\n`;
}
