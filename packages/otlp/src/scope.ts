/** The instrumentation scope of our metrics. A single object, because OpenTelemetry compares scopes by identity. */
export const scope = { name: '@toolweaver/analytics-otlp' } as const;
