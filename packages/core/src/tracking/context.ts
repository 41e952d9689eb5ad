import type { Context } from '../client.ts';
import { optionalObject, optionalText, optionalUuid, refuse } from '../values/check.ts';
import { unknownNames } from '../values/unknown.ts';

/** The values of the context, and what travels along with them. */
export interface Surroundings extends Partial<Record<keyof Context, string | undefined>> {
  /** The id of the outermost execution under way; if absent, it is the parent. */
  readonly rootId?: string | undefined;
  /** The incoming trace. */
  readonly trace?: { readonly traceparent: string; readonly tracestate: string } | undefined;
}

/** The id of the outermost execution under way. */
export function rootOf({ rootId, parentId }: Surroundings = {}): string | undefined {
  return rootId ?? parentId;
}

const checks: Record<keyof Context, (value: unknown, field: string) => string | undefined> = {
  runId: optionalText,
  userId: optionalText,
  orgId: optionalText,
  parentId: optionalUuid,
};

/**
 * Returns the context with the given values added. A wrong value or name is left out, instead of making all events inside
 * invalid, and its error is passed to `refused`.
 */
export function extendContext(
  outer: Surroundings | undefined,
  given: unknown,
  refused: (thrown: unknown) => void,
): Surroundings {
  const context: Record<string, unknown> = { ...outer, rootId: rootOf(outer) };
  const attempt = (read: () => void): void => {
    try {
      read();
    } catch (thrown) {
      refused(thrown);
    }
  };
  attempt(() => {
    const values = optionalObject(given, 'context');
    for (const [field, check] of Object.entries(checks)) {
      attempt(() => {
        context[field] = check(values[field], field) ?? context[field];
      });
    }
    for (const { field, message } of unknownNames(values, checks, 'context.')) {
      attempt(() => refuse(field, message));
    }
  });
  return context;
}
