import type { Migration } from './migrate.ts';

// Keep the last value of each metric of a run in a table, so that ordering many runs by a metric need not read everything they
// logged, and code that adds events need not care. A value without a step (-1) is before the first step. Like the totals of a run,
// a last value stays when its event is deleted for its age: to look for an older one may take as long as reading the whole run.

/** Takes the values of an event, `from` some rows joined with its metrics, that come after the last ones so far. */
export function takeLast(event: string, from: string, after: '>' | '>='): string {
  return `
    INSERT INTO run_metrics (run, name, value, step, at, user)
    SELECT ${event}.run, key, value, coalesce(${event}.step, -1), ${event}.at, ${event}.user FROM ${from}
    ON CONFLICT (run, name) DO UPDATE SET value = excluded.value, step = excluded.step, at = excluded.at, user = excluded.user
    WHERE (excluded.step, excluded.at) ${after} (run_metrics.step, run_metrics.at)`;
}

/** Of two events of the same step and time, the one that was added later counts. */
const added = `
  CREATE TRIGGER metrics_events_added AFTER INSERT ON metrics_events WHEN new.run IS NOT NULL BEGIN
    ${takeLast('new', 'json_each(new.metrics) WHERE TRUE', '>=')};
  END`;

export const triggers: Migration = [{ compile: () => ({ sql: added }) }];
