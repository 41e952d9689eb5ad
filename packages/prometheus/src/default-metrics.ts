/** The labels of prom-client's metrics, without those that our metrics have as well. */
export const defaultMetricsLabels: readonly string[] = ['major', 'minor', 'patch', 'space', 'version'];

/** The metrics of this process and of Node, as text, from a registry of its own. */
export async function defaultMetrics(): Promise<() => Promise<string>> {
  // Loaded only if it is wanted: nothing else needs it.
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return () => registry.metrics();
}
