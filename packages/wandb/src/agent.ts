import { createRequire } from 'node:module';

/** Name and version of this client, for the service and the log. */
export function agent(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return `analytics-wandb/${version} (node ${process.versions.node})`;
}
