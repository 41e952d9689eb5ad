import type { Migration } from './migrate.ts';

// Keep the last value of each metric of a run in a table, so that ordering many runs by a metric need not read everything they
// logged, and code that adds or deletes events need not care. A value without a step (-1) is before the first step.

const added = `
  CREATE TRIGGER metrics_events_added AFTER INSERT ON metrics_events WHEN new.run IS NOT NULL BEGIN
    INSERT INTO run_metrics (run, name, value, step, at, seq)
    SELECT new.run, key, value, coalesce(new.step, -1), new.at, new.seq FROM json_each(new.metrics) WHERE TRUE
    ON CONFLICT (run, name) DO UPDATE SET value = excluded.value, step = excluded.step, at = excluded.at, seq = excluded.seq
    WHERE (excluded.step, excluded.at, excluded.seq) > (run_metrics.step, run_metrics.at, run_metrics.seq);
  END`;

/** Replaces a deleted last value by the last one that is left. */
const deleted = `
  CREATE TRIGGER metrics_events_deleted AFTER DELETE ON metrics_events
  WHEN EXISTS (SELECT 1 FROM run_metrics WHERE run = old.run AND seq = old.seq) BEGIN
    DELETE FROM run_metrics WHERE run = old.run AND seq = old.seq;
    INSERT INTO run_metrics (run, name, value, step, at, seq)
    SELECT old.run, gone.key, kept.value, coalesce(e.step, -1), e.at, e.seq
    FROM json_each(old.metrics) gone
    JOIN metrics_events e ON e.seq = (
      SELECT l.seq FROM metrics_events l
      WHERE l.run = old.run AND EXISTS (SELECT 1 FROM json_each(l.metrics) WHERE key = gone.key)
      ORDER BY l.step DESC, l.at DESC, l.seq DESC LIMIT 1
    )
    JOIN json_each(e.metrics) kept ON kept.key = gone.key
    WHERE NOT EXISTS (SELECT 1 FROM run_metrics WHERE run = old.run AND name = gone.key);
  END`;

export const triggers: Migration = [added, deleted].map((text) => ({ compile: () => ({ sql: text }) }));
