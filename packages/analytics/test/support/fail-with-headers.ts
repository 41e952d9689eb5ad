import { inspect } from 'node:util';
import { createAnalyticsClient } from '@toolweaver/analytics';

// Pushes to each address with the headers of OpenTelemetry's variables, which count only where none of ours says where to push
// to; and prints everything that a program could. The address fails in one way.
const [addresses] = process.argv.slice(2) as [string];
const show = (value: unknown): string => inspect(value, { depth: 12, showHidden: true, getters: true });
const { OTEL_EXPORTER_OTLP_HEADERS: general, OTEL_EXPORTER_OTLP_METRICS_HEADERS: special, ...others } = process.env;

for (const address of JSON.parse(addresses) as readonly string[]) {
  for (const variables of [
    { OTEL_EXPORTER_OTLP_HEADERS: general, OTEL_EXPORTER_OTLP_ENDPOINT: `${address}/general` },
    { OTEL_EXPORTER_OTLP_METRICS_HEADERS: special, OTEL_EXPORTER_OTLP_ENDPOINT: `${address}/special` },
  ]) {
    const told: Error[] = [];
    const analytics = await createAnalyticsClient({
      env: { ...others, ...variables, ANALYTICS_BACKEND: 'otlp' },
      onError: (error) => void told.push(error),
      retry: { maxAttempts: 2, minDelayMs: 1 },
    });
    analytics.recordSkillExecution({ skillId: 'summarise', success: true, latencyMs: 3 });
    const said = [
      await analytics.flush({ timeoutMs: 700 }),
      await analytics.healthCheck({ timeoutMs: 700 }),
      analytics.stats(),
      analytics.getConfigSummary(),
      await analytics.close({ timeoutMs: 300 }),
      analytics,
      told,
      ...told.map(({ stack }) => stack),
    ];
    for (const one of said) {
      process.stdout.write(`${show(one)}\n${JSON.stringify(one)}\n`);
    }
    console.log('%s %o %j', analytics, analytics, analytics);
  }
}
