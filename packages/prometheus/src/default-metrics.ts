/** What prom-client tells these metrics apart by, beside names of labels that ours have, too. */
export const defaultMetricsLabels: readonly string[] = ['major', 'minor', 'patch', 'space', 'version'];

/** The metrics of this process and of Node, as text, from a registry of its own. */
export async function defaultMetrics(): Promise<() => Promise<string>> {
  // Loaded by those who want it: the rest of us does without.
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return () => registry.metrics();
}
