import { pathToFileURL } from 'node:url';
import type { Analytics } from '@toolweaver/analytics';

// Prints how many ms something took that a new process does once.

export type Start = 'nothing' | 'core' | 'meta and sqlite' | 'client';

/** An empty module for `nothing`, a database for `client`. */
const [start, path = ''] = process.argv.slice(2) as [Start, string | undefined];
const empty = pathToFileURL(path).href;
let client: Analytics | undefined;

const before = performance.now();
switch (start) {
  case 'nothing':
    await import(empty);
    break;
  case 'core':
    await import('@toolweaver/analytics-core');
    break;
  case 'meta and sqlite':
    await import('@toolweaver/analytics');
    await import('@toolweaver/analytics-sqlite');
    break;
  case 'client': {
    const { createAnalyticsClient } = await import('@toolweaver/analytics');
    client = await createAnalyticsClient({ env: { ANALYTICS_DB_PATH: path } });
  }
}
process.stdout.write(`${performance.now() - before}\n`);
await client?.close();
