import Database from 'better-sqlite3';
import { askedSkills, historyEnd } from './history.ts';

const hourMs = 3_600_000;
const weekAgo = historyEnd - 7 * 24 * hourMs;

/** Answers the questions asked of the store from the plain table, by SQL on the main thread. */
export function openByHand(path: string) {
  const db = new Database(path, { readonly: true });
  const counts = `
    count(*) AS executions, sum(success) AS successes, count(DISTINCT user_id) AS users, avg(latency_ms) AS average,
    min(latency_ms) AS least, max(latency_ms) AS most, percentile(latency_ms, 50) AS p50,
    percentile(latency_ms, 95) AS p95, percentile(latency_ms, 99) AS p99`;
  const leaderboard = db.prepare(`
    SELECT name, ${counts}, sum(cost_usd) AS cost FROM executions WHERE kind = 'skill'
    GROUP BY name ORDER BY executions DESC LIMIT 10`);
  const usage = db.prepare(`
    SELECT ${counts}, max(at) AS last_at FROM executions WHERE kind = 'skill' AND name = ? AND at >= ?`);
  const series = ['count(*) AS executions, sum(success) AS successes, avg(latency_ms) AS average', counts].map((some) =>
    db.prepare(`
      SELECT at / ${hourMs} AS hour, ${some}, sum(input_tokens + output_tokens) AS tokens, sum(cost_usd) AS cost
      FROM executions WHERE kind = 'skill' AND at >= ? GROUP BY hour ORDER BY hour`),
  );
  const newest = db.prepare(`
    SELECT * FROM executions WHERE kind = 'skill' AND name = ? ORDER BY at DESC LIMIT 50`);
  const summary = [
    `SELECT ${counts}, sum(input_tokens + output_tokens) AS tokens, sum(cost_usd) AS cost FROM executions`,
    `SELECT kind, name, count(*) AS executions, sum(success) AS successes, avg(latency_ms) AS average
      FROM executions GROUP BY kind, name ORDER BY executions DESC`,
    `SELECT kind, name, error_type, count(*) AS failures FROM executions WHERE success = 0
      GROUP BY kind, name, error_type ORDER BY failures DESC`,
    'SELECT * FROM executions ORDER BY latency_ms DESC LIMIT 5',
  ].map((sql) => db.prepare(sql));
  return {
    leaderboard: () => leaderboard.all(),
    usageOfMost: () => usage.all(askedSkills.most, weekAgo),
    usageOfMiddling: () => usage.all(askedSkills.middling, weekAgo),
    series: () => series[0]?.all(weekAgo),
    seriesWithUsers: () => series[1]?.all(weekAgo),
    newest: () => newest.all(askedSkills.middling),
    summary: () => summary.map((statement) => statement.all()),
    close: () => db.close(),
  };
}
