import { ownVersion } from '@toolweaver/analytics-core/backend';

/**
 * Name and version of this client, for the service and the log.
 * @throws AnalyticsError `UNSUPPORTED` in a bundle, with the name of the backend.
 */
export function agent(backend?: string): string {
  const version = ownVersion('@toolweaver/analytics-wandb', import.meta.url, backend);
  return `analytics-wandb/${version} (node ${process.versions.node})`;
}
