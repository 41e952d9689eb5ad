import { describe, expect, test, vi } from 'vitest';
import type { Analytics } from '../src/index.ts';
import { rig } from './support/rig.ts';

const uuid = '0190b0c4-7a1e-7000-8000-000000000001';
/** Every field of every execution. */
const details = {
  id: uuid,
  at: 1,
  runId: 'r',
  userId: 'u',
  orgId: 'o',
  attributes: { a: 1 },
  latencyMs: 1,
  error: { type: 'E' },
  version: '1',
  toolkit: 't',
  parentId: uuid,
  attempt: 1,
  cacheHit: true,
  inputBytes: 1,
  outputBytes: 1,
  model: 'm',
  provider: 'p',
  usage: { inputTokens: 1 },
  cost: { usd: 1 },
  success: true,
};

describe('a field that no event has', () => {
  test.each<[string, (analytics: Analytics) => unknown]>([
    ['latency_ms', ({ record }) => record({ type: 'health', skillId: 'a', score: 1, latency_ms: 5 } as never)],
    ['cache_hit', (a) => a.recordSkillExecution({ skillId: 'a', success: true, cache_hit: true } as never)],
    ['latency_ms', (a) => a.recordToolInvocation({ toolName: 'a', success: true, latency_ms: 0 } as never)],
    ['input_tokens', (a) => a.recordLlmCall({ model: 'a', success: true, input_tokens: 5 } as never)],
    [
      'usage.cachedInputTokens',
      (a) => a.recordLlmCall({ model: 'a', success: true, usage: { inputTokens: 5, cachedInputTokens: 4 } as never }),
    ],
    ['run_id', ({ logMetrics }) => logMetrics({ loss: 1 }, { run_id: 'r' } as never)],
    ['cfg', ({ startRun }) => startRun({ cfg: {} } as never)],
    ['tokens', ({ trackOperation }) => trackOperation('a', (operation) => operation.set({ tokens: 1 } as never))],
  ])('%s is told, and the event counts', async (field, call) => {
    const { analytics, errors, side } = rig();
    await call(analytics);
    await analytics.flush();
    expect(side.held).toHaveLength(1);
    expect(errors).toMatchObject([
      { code: 'INVALID_EVENT', message: `Unknown in an event: "${field}"; left out`, problems: [{ field }] },
    ]);
  });

  test('is told each time it is another one, with all others of its event', () => {
    const { analytics, errors } = rig();
    const call = { toolName: 'a', success: true };
    analytics.recordToolInvocation({ ...call, latency: 1 } as never);
    analytics.recordToolInvocation({ ...call, latency: 1 } as never);
    analytics.recordToolInvocation({ ...call, costUsd: 1, 'org id': 'o', tokens: null } as never);
    expect(errors.map(({ message }) => message)).toEqual([
      'Unknown in an event: "latency"; left out',
      'Unknown in an event: "costUsd", "org id"; left out',
    ]);
    expect(errors[1]?.problems.map(({ field }) => field)).toEqual(['costUsd', 'org id']);
  });

  test('costs no event where it cannot be looked at', async () => {
    const { analytics, errors, side } = rig();
    const call = { skillId: 'a', success: true };
    const trap = vi.fn(() => {
      throw new Error('no');
    });
    analytics.recordSkillExecution(new Proxy(call, { ownKeys: trap }));
    analytics.recordSkillExecution(Object.defineProperty({ ...call }, 'more', { get: trap, enumerable: true }));
    await analytics.flush();
    expect([side.held.length, trap.mock.calls.length, errors]).toEqual([2, 2, []]);
  });

  test('is not what has no value', () => {
    const { analytics, errors } = rig();
    analytics.recordSkillExecution({ skillId: 'a', success: true, error: null, latency_ms: undefined } as never);
    expect(errors).toEqual([]);
  });

  test('is none of those that there are', async () => {
    const { analytics, errors } = rig();
    analytics.record({ type: 'execution', kind: 'agent', name: 'a', ...details });
    analytics.recordSkillExecution({ skillId: 'a', ...details });
    analytics.recordToolInvocation({ toolName: 'a', ...details });
    analytics.recordLlmCall({ name: 'a', ...details });
    analytics.recordSkillRating({ skillId: 'a', rating: 5, executionId: uuid, comment: 'c', attributes: {} });
    analytics.recordToolkitEvent({
      toolkit: 't',
      operation: 'create',
      durationMs: 1,
      success: false,
      error: { type: 'E' },
    });
    analytics.updateHealthScore({ skillId: 'a', score: 1, deprecated: true });
    analytics.record({ type: 'artifact', name: 'a', kind: 'k', bytes: new Uint8Array(1) });
    await analytics.trackRun({ name: 'n', project: 'p', config: { a: 1 }, tags: ['t'] }, async (run) => {
      run.logMetrics({ loss: 1 }, { step: 1 });
      run.logParam('b', 2);
      run.logArtifact({ name: 'a', kind: 'k', path: 'p' });
      const headers = analytics.traceContext();
      await analytics.withTraceContext(headers, () =>
        analytics.trackOperation({ kind: 'agent', name: 'outer', sampleRate: 1 }, (outer) => {
          outer.set({ toolkit: 't' });
          return analytics.wrapTool(() => 1, { name: 'inner' })();
        }),
      );
    });
    expect(errors).toEqual([]);
  });

  test('is looked for at the start only, as that takes as long as to record', () => {
    const { analytics, errors } = rig();
    const skill = { skillId: 'a', success: true };
    for (let index = 0; index < 999; index += 1) {
      analytics.recordSkillExecution(skill);
    }
    analytics.recordSkillExecution({ ...skill, first: 1 } as never);
    expect(errors).toHaveLength(1);
    const again = rig();
    for (let index = 0; index < 1_000; index += 1) {
      again.analytics.recordSkillExecution(skill);
    }
    again.analytics.recordSkillExecution({ ...skill, first: 1 } as never);
    expect(again.errors).toEqual([]);
  });
});
