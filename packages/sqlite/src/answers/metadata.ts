import type { JsonObject } from '@toolweaver/analytics-core';

/** The attributes, with the error type under the key by which others group failures. */
export function toMetadata(attributes: JsonObject | undefined, errorType: string | undefined): JsonObject {
  return errorType === undefined ? (attributes ?? {}) : { ...attributes, error_type: errorType };
}
