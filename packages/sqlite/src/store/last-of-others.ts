import type { Connection } from '../database.ts';
import { takeLast } from '../triggers.ts';

// Where a user who is erased logged the last value of a metric of a run, the last one of others takes its place.

export interface LastOfOthers {
  /** Finds the values, except those it has found before. May read everything that the runs of the user logged. */
  find(user: number | undefined): void;
  /** Takes them, and what was logged since this was made, once those of the user are gone. */
  take(): void;
}

/** To be found before the transaction, so that nobody waits; and again within it, for what came in between. */
export function lastOfOthers(db: Connection): LastOfOthers {
  const newest = db.prepare('SELECT coalesce(max(seq), 0) FROM metrics_events').pluck().get();
  const going = db.prepare('SELECT run, name FROM run_metrics WHERE user = ?');
  const ofOthers = db.prepare(`
    SELECT e.seq, m.key AS name FROM metrics_events e, json_each(e.metrics) m
    WHERE e.run = :run AND e.user IS NOT :user ORDER BY e.step DESC, e.at DESC, e.seq DESC`);
  const sought = new Set<string>();
  const found = new Set<number>();

  function findIn(run: number, names: Set<string>, user: number): void {
    for (const { seq, name } of ofOthers.iterate({ run, user }) as Iterable<{ seq: number; name: string }>) {
      if (names.delete(name)) {
        found.add(seq);
      }
      if (names.size === 0) {
        return;
      }
    }
  }

  return {
    find(user) {
      if (user === undefined) {
        return;
      }
      const metrics = going.all(user) as { readonly run: number; readonly name: string }[];
      const unknown = metrics.filter(({ run, name }) => !sought.has(`${run} ${name}`));
      for (const [run, some] of Map.groupBy(unknown, ({ run }) => run)) {
        findIn(run, new Set(some.map(({ name }) => name)), user);
      }
      for (const { run, name } of unknown) {
        sought.add(`${run} ${name}`);
      }
    },
    take() {
      const since = db.prepare('SELECT seq FROM metrics_events WHERE seq > ?').pluck().all(newest) as number[];
      const event = 'metrics_events e, json_each(e.metrics) WHERE e.seq = ? AND e.run IS NOT NULL';
      const take = db.prepare(takeLast('e', event, '>'));
      // Of two events of the same step and time, the one that was added later counts.
      for (const seq of [...new Set([...found, ...since])].sort((one, other) => other - one)) {
        take.run(seq);
      }
    },
  };
}
