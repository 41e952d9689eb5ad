import type { Attributes } from '@opentelemetry/api';
import type { LabelSet } from '@toolweaver/analytics-metrics';

/** OpenTelemetry's own mark of the series that all further label sets share. */
const overflow = 'otel.metric.overflow';

/** The labels that have a value. A new object each time: OpenTelemetry keeps what it gets, and goes by its contents. */
export function attributesOf(names: readonly string[], { labels, isOverflow }: LabelSet): Attributes {
  const attributes: Attributes = {};
  for (const [at, name] of names.entries()) {
    const value = labels[at];
    if (value !== undefined && value !== '') {
      attributes[name] = value;
    }
  }
  if (isOverflow) {
    attributes[overflow] = true;
  }
  return attributes;
}
