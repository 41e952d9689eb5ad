import type { Analytics, ToolkitEventInput } from '@toolweaver/analytics-core';
import { describeThrown } from '@toolweaver/analytics-core/backend';
import type { ToolkitOptions } from './toolkit-options.ts';

type ToolkitOperation = ToolkitEventInput['operation'];

/** Records what happens to a toolkit as a whole. */
export interface Lifecycle {
  /** From `startedMs` (of `performance.now()`) until now; it failed if something was thrown. */
  happened(operation: ToolkitOperation, startedMs: number, failure?: { readonly thrown: unknown }): void;
  /** Times `fn`, and returns or throws what it does; a promise is waited for. */
  during<T>(operation: ToolkitOperation, fn: () => T): T;
}

export function createLifecycle(analytics: Analytics, toolkit: string, options: ToolkitOptions): Lifecycle {
  const { enabled = true, trackLifecycle = true, attributes } = options;
  const happened: Lifecycle['happened'] = (operation, startedMs, failure) => {
    if (enabled && trackLifecycle) {
      analytics.recordToolkitEvent({
        toolkit,
        operation,
        durationMs: performance.now() - startedMs,
        success: !failure,
        error: failure && describeThrown(failure.thrown),
        attributes,
      });
    }
  };
  return {
    happened,
    during(operation, fn) {
      const startedMs = performance.now();
      const succeeded = <V>(value: V): V => {
        happened(operation, startedMs);
        return value;
      };
      const failed = (thrown: unknown): never => {
        happened(operation, startedMs, { thrown });
        throw thrown;
      };
      try {
        const result = fn();
        return result instanceof Promise ? (result.then(succeeded, failed) as typeof result) : succeeded(result);
      } catch (thrown) {
        return failed(thrown);
      }
    },
  };
}
