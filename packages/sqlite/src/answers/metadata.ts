import type { JsonObject } from '@toolweaver/analytics-core';

/** The attributes, and the type of the error where those who group failures look for it. */
export function toMetadata(attributes: JsonObject | undefined, errorType: string | undefined): JsonObject {
  return errorType === undefined ? (attributes ?? {}) : { ...attributes, error_type: errorType };
}
