/** Who measured, in OpenTelemetry's words. One object, as its identity counts. */
export const scope = { name: '@toolweaver/analytics-otlp' } as const;
