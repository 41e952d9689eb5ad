import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Analytics, OperationDetails, SubjectDetails } from '@toolweaver/analytics-core';
import { describeThrown } from '@toolweaver/analytics-core/backend';
import { checkClient } from './client.ts';

/** For libraries that say when something starts and when it ends, under a key of their own. */
export interface Spans {
  /**
   * Without a subject it is not recorded itself: what is inside of it belongs to its parent. Without a known parent, it belongs to
   * the execution around the call.
   */
  start(key: string, subject: SubjectDetails | undefined, parentKey?: string | null): void;
  /**
   * Records it in the context of its start, as failed if something was thrown; does nothing for an unknown key. If `latencyMs` is
   * there and undefined, it has ended before, at an unknown time.
   */
  end(
    key: string,
    details?: OperationDetails & { readonly latencyMs?: undefined },
    failure?: { readonly thrown: unknown },
  ): void;
  /** The same for all models that work directly for it. */
  endModels: Spans['end'];
  /** What it was started with; undefined for an unknown key. */
  subjectOf(key: string): SubjectDetails | undefined;
  /** The id that its execution will have, or that of the nearest one around it that is recorded. */
  idOf(key: string): string | undefined;
}

interface Span {
  readonly id: string | undefined;
  readonly subject: SubjectDetails | undefined;
  readonly parentKey: string | null | undefined;
  readonly parentId: string | undefined;
  /** The outermost one around it that is recorded; undefined for the outermost itself. */
  readonly rootId: string | undefined;
  readonly startedMs: number;
  readonly inContext: ReturnType<typeof AsyncLocalStorage.snapshot>;
}

/** What a library never ends must not fill the memory: beyond this, the oldest are dropped without being recorded. */
const maxOpen = 10_000;

/** Makes room for one more. */
export function dropOldest(open: Map<string, unknown>): void {
  if (open.size >= maxOpen) {
    const [oldest = ''] = open.keys();
    open.delete(oldest);
  }
}

/** @throws AnalyticsError `INVALID_CONFIG` for anything but a client. */
export function createSpans(analytics: Analytics): Spans {
  checkClient(analytics);
  const open = new Map<string, Span>();

  const idOf: Spans['idOf'] = (key) => open.get(key)?.id;
  const subjectOf: Spans['subjectOf'] = (key) => open.get(key)?.subject;

  const end: Spans['end'] = (key, details, failure) => {
    const span = open.get(key);
    open.delete(key);
    if (span?.subject === undefined) {
      return;
    }
    const { id, parentId, rootId, subject, startedMs, inContext } = span;
    const record = () =>
      analytics.record({
        latencyMs: performance.now() - startedMs,
        success: failure === undefined,
        error: failure && describeThrown(failure.thrown),
        ...subject,
        ...details,
        kind: subject.kind ?? 'operation',
        type: 'execution',
        id,
        parentId,
      });
    // So sampling keeps them together.
    inContext(() => (rootId === undefined ? record() : analytics.withContext({ parentId: rootId }, record)));
  };

  const endModels: Spans['endModels'] = (key, details, failure) => {
    for (const [inner, { parentKey, subject }] of open) {
      if (parentKey === key && subject?.kind === 'llm') {
        end(inner, details, failure);
      }
    }
  };

  return {
    idOf,
    subjectOf,
    end,
    endModels,
    start(key, subject, parentKey) {
      const parent = open.get(parentKey ?? '');
      const parentId = parent?.id;
      dropOldest(open);
      open.set(key, {
        id: subject === undefined ? parentId : randomUUID(),
        subject,
        parentKey,
        parentId,
        rootId: parent?.rootId ?? parentId,
        startedMs: performance.now(),
        inContext: AsyncLocalStorage.snapshot(),
      });
    },
  };
}
