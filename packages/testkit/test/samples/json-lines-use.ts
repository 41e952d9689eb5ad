import { createAnalytics } from '@toolweaver/analytics-core';
import { jsonLines, jsonLinesFromEnv, readEvents } from './json-lines.ts';

const options = jsonLinesFromEnv(process.env);
const analytics = createAnalytics({ backends: [jsonLines(options)] });
analytics.recordToolInvocation({
  toolName: 'search',
  success: false,
  error: { type: 'TimeoutError' },
  latencyMs: 5000,
});

console.log((await analytics.healthCheck()).healthy, (await analytics.close()).ok);
console.log(
  readEvents(options.path).map((event) => event.type === 'execution' && `${event.name}: ${event.error?.type}`),
);
