import { configError } from '@toolweaver/analytics-core/backend';
import type { Settings } from '../settings/settings.ts';

// Two runs of a process with one id would overwrite each other's rows.

const open = new Set<string>();

function keyOf({ baseUrl, entity, project }: Settings, id: string): string {
  return JSON.stringify([baseUrl, entity, project, id]);
}

export function isOpen(settings: Settings, id: string): boolean {
  return open.has(keyOf(settings, id));
}

/**
 * Counts the run as open. Returns a function that ends this.
 * @throws AnalyticsError `INVALID_CONFIG` if it is open already.
 */
export function keepOpen(settings: Settings, id: string): () => void {
  const key = keyOf(settings, id);
  if (open.has(key)) {
    const message = `the run ${id} is open in this process: finish it first, or give another id`;
    throw configError([{ field: 'runId', message }]);
  }
  open.add(key);
  return () => open.delete(key);
}
