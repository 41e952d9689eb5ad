import type { Settings } from '../settings/settings.ts';

// Two runs of a process with one id would overwrite each other's rows.

const open = new Set<string>();

function keyOf({ baseUrl, entity, project }: Settings, id: string): string {
  return JSON.stringify([baseUrl, entity, project, id]);
}

export function isOpen(settings: Settings, id: string): boolean {
  return open.has(keyOf(settings, id));
}

/** Counts the run as open. Returns a function that ends this. */
export function keepOpen(settings: Settings, id: string): () => void {
  const key = keyOf(settings, id);
  open.add(key);
  return () => open.delete(key);
}
