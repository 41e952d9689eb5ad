import { deliveredEvents, lostEvents } from '../promql.ts';
import type { Alert, AlertParts } from './alert.ts';

/** Alerts on the health of skills, and on measurements that do not arrive. */
export function healthAlerts({ over, thresholds: { healthScore } }: AlertParts): Alert[] {
  const { select, increase } = over('15m');
  const lastDay = `last_over_time(${select({ key: 'activeOperations' })}[1d])`;
  return [
    {
      name: 'HealthScoreLow',
      severity: 'warning',
      expr: `min by (job, skill_id) (${select({ key: 'skillHealthScore' })}) < ${healthScore}`,
      for: '15m',
      summary: 'Skill {{ $labels.skill_id }} in {{ $labels.job }} has a health score of {{ $value | printf "%.0f" }}.',
      description: `${healthScore} of 100 is the limit. It is the latest score that the program has set.`,
      dashboard: 'health',
      thresholds: ['healthScore'],
      runbook: {
        meaning: `The latest health score that was set for a skill is below ${healthScore} of 100, for 15 minutes. Where several instances have set one, the lowest counts.`,
        impact: 'The skill is failing, slow, badly rated or hardly used; the score does not say which.',
        look: [
          'Dashboard Skills: success ratio, durations and ratings of the skill.',
          '`reader.getSkillHealth(skillId)` of the SQLite backend gives the parts of a score that it computes from executions and ratings; the one that was set may be made in another way.',
        ],
        act: ['Repair what pulls the score down, or withdraw the skill.'],
        tuning:
          'A score that is not set again stays: set it regularly (`updateHealthScore`), or restart. Otherwise change `healthScore`.',
      },
    },
    {
      name: 'EventsDropped',
      severity: 'warning',
      expr: `${increase('job, backend, reason', lostEvents)} > 0`,
      summary: 'Events of {{ $labels.job }} did not reach {{ $labels.backend }}: {{ $labels.reason }}.',
      description: 'About {{ $value | printf "%.0f" }} in 15 minutes. Events left out by sampling are not counted.',
      dashboard: 'health',
      thresholds: [],
      runbook: {
        meaning: 'Events were recorded and did not arrive at a backend. The reason is one of a closed set.',
        impact:
          'Counts, costs and runs of that backend are too low; those of other backends are not affected, nor is the program itself.',
        look: [
          '`queue_full`: more is recorded than the backend takes, or it hangs. `send_failed`, `storage_full`: what did `onError` report?',
          '`invalid`, `too_large`, `rejected`: the program records something that it should not; `onError` names the field.',
          '`callback_error`: a callback of the program threw; `onError` says what.',
          '`closed`, `shutdown_timeout`: it records after `close()`, or ends before all is sent.',
          '`await analytics.healthCheck()` probes each backend.',
        ],
        act: [
          'Free disk space, or bring the far side up: delivery then goes on by itself. Renewed tokens need a restart of the program.',
          'Sample, if there is really too much.',
        ],
        tuning: 'It fires at the first loss, and stops 15 minutes after the last.',
      },
    },
    {
      name: 'DeliveryStalled',
      severity: 'warning',
      expr: `${increase('job, instance, backend', deliveredEvents)} == 0\nand on (job, instance) ${increase('job, instance', deliveredEvents)} > 0`,
      for: '5m',
      summary: '{{ $labels.instance }} of {{ $labels.job }} delivers nothing to {{ $labels.backend }}.',
      description:
        'For 15 minutes, while other backends got events. They wait in its queue, unless EventsDropped fires, too.',
      dashboard: 'health',
      thresholds: [],
      runbook: {
        meaning: 'A backend got no event in 15 minutes in which another backend of the same program got some.',
        impact:
          'Answers, costs and runs of that backend are out of date. Nothing is lost so far: its queue holds 65 536 events or 32 MiB, and tries for some 40 minutes at least. What is queued when the program ends is lost.',
        look: [
          'What did `onError` report? `await analytics.healthCheck()` probes the backend.',
          'SQLite: is the disk full, has the file become read-only, does another program lock it?',
        ],
        act: ['Free disk space, or bring the far side up: delivery goes on by itself, a few seconds later.'],
        tuning: 'It fires where no event is lost yet; `EventsDropped` says when some are.',
      },
    },
    {
      name: 'LabelsOverflow',
      severity: 'info',
      expr: `${increase('job, metric', { key: 'labelOverflow' })} > 0`,
      for: '5m',
      summary: '{{ $labels.metric }} of {{ $labels.job }} has reached its limit of label sets.',
      description: 'About {{ $value | printf "%.0f" }} events in 15 minutes went into its overflow series.',
      dashboard: 'health',
      thresholds: [],
      runbook: {
        meaning:
          'A metric has as many label sets as it may (`maxLabelSets`, 2000 by default); values that came later share one series.',
        impact: 'Sums stay right, but new skills, tools or models are not seen one by one until the program restarts.',
        look: [
          `Which label of that metric has so many values: \`count(count by (skill_id) (${select({ key: 'skillExecutions' })}))\`, for each of its labels. Ids, dates or texts in a name are the usual reason.`,
        ],
        act: [
          'Record a name that comes from a short list, and put what changes into `attributes` or the run.',
          'Leave out the labels `org_id` and `user_id`, if they are on.',
        ],
        tuning: 'Raise `maxLabelSets`, if there really are so many.',
      },
    },
    {
      name: 'TargetDown',
      severity: 'critical',
      expr: `up == 0\nand on (job, instance) count by (job, instance) (${lastDay})`,
      for: '5m',
      summary: '{{ $labels.instance }} of {{ $labels.job }} does not answer to Prometheus.',
      description: 'It was scraped within the last day, and is still among the targets.',
      dashboard: 'health',
      thresholds: [],
      runbook: {
        meaning: 'Prometheus cannot scrape a program that gave our metrics within the last day.',
        impact: 'Nothing of that instance is measured, and none of the other alerts can fire for it.',
        look: [
          'Page Targets of Prometheus: what error?',
          'Is the program running, and listening where Prometheus asks (`PROMETHEUS_HOST`, `PROMETHEUS_PORT`)?',
          'Its `onError`: a port that is taken is reported once and tried again.',
        ],
        act: [
          'Start it again.',
          'A program that has moved for good: take it out of the targets. What is pushed (OTLP, Pushgateway) has no target, and so not this alert.',
        ],
        tuning: 'Batch jobs that end should push instead of being scraped.',
      },
    },
  ];
}
