import { createRequire } from 'node:module';

/** What we say that we are. */
export function agent(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return `analytics-wandb/${version} (node ${process.versions.node})`;
}
