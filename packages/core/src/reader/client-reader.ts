import type { Delivery } from '../delivery/delivery.ts';
import { AnalyticsError } from '../errors.ts';
import type { AnalyticsReader } from './reader.ts';

// A record, so that a method added to the contract cannot be forgotten here.
const methods: Record<keyof AnalyticsReader, true> = {
  getSkillUsage: true,
  getSkillMetrics: true,
  getSkillHealth: true,
  listSkillHealth: true,
  getLeaderboard: true,
  getTopSkills: true,
  getAdoption: true,
  getRecommendations: true,
  recordRecommendationFeedback: true,
  listRecommendations: true,
  summary: true,
  getCosts: true,
  getWaste: true,
  getErrors: true,
  getCacheStats: true,
  compareModels: true,
  getLatency: true,
  getTrend: true,
  getHeatmap: true,
  listExecutions: true,
  listRuns: true,
  getRun: true,
  getRunMetrics: true,
  compareRuns: true,
  compareVersions: true,
  getToolkitMetrics: true,
  listToolkitTraces: true,
  listToolInvocations: true,
};

/** How long a query waits for the delivery of what was recorded before it. */
const flushTimeoutMs = 10_000;

/**
 * Asks the first backend that has a reader with the method. A query runs when what was recorded before it has been delivered, and after ten
 * seconds at the latest, on what is there by then; `stats()` says what is still queued.
 */
export function clientReader(deliveries: readonly Delivery[]): AnalyticsReader {
  const ask = async (method: keyof AnalyticsReader, args: unknown[]): Promise<unknown> => {
    const delivery = deliveries.find(({ backend }) => backend.reader?.[method] !== undefined);
    const reader = delivery?.backend.reader as Record<string, (...args: unknown[]) => Promise<unknown>> | undefined;
    if (reader?.[method] === undefined) {
      const names = deliveries.map(({ backend }) => backend.name).join(', ') || 'none';
      const message = `${method}() needs a backend that answers it, such as sqlite; here is: ${names}`;
      throw new AnalyticsError('UNSUPPORTED', message);
    }
    await delivery?.flush(flushTimeoutMs);
    return reader[method](...args);
  };
  const entries = (Object.keys(methods) as (keyof AnalyticsReader)[]).map((method) => [
    method,
    (...args: unknown[]) => ask(method, args),
  ]);
  return Object.freeze(Object.fromEntries(entries)) as AnalyticsReader;
}
