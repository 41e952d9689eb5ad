import type { Attributes } from '@opentelemetry/api';
import type { LabelSet } from '@toolweaver/analytics-metrics';

/** OpenTelemetry's attribute of the series that all label sets after the limit share. */
const overflow = 'otel.metric.overflow';

/** Returns the labels that have a value, in a new object each time: OpenTelemetry keeps it, and compares by contents. */
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
