import { createToolkitCache, toolkitOptionsFromEnv, trackToolkit } from '@toolweaver/analytics-adapters';
import { type AnalyticsError, type Backend, createAnalytics } from '@toolweaver/analytics-core';
import { describe, expect, test } from 'vitest';
import { rig } from './rig.ts';

class Calculator {
  add(a: number, b: number): number {
    return a + b;
  }
  fail(): never {
    throw new Error('mine');
  }
  close(): void {}
}

/** How many executions, and which events of toolkits, two calls and an end leave behind. */
async function left(env: Record<string, string>): Promise<[executions: number, operations: string[]]> {
  const { analytics, executions, toolkitEvents } = rig();
  const options = toolkitOptionsFromEnv(env);
  const toolkit = trackToolkit(analytics, new Calculator(), options);
  const cache = createToolkitCache(analytics, options);
  const cached = await cache.get('Calculator', () => new Calculator());
  expect([toolkit.add(1, 2), cached.add(3, 4)]).toEqual([3, 7]);
  toolkit.close();
  await cache.close();
  return [(await executions()).length, (await toolkitEvents()).map(({ operation }) => operation)];
}

const all = ['create', 'cache_miss', 'create', 'cleanup', 'cleanup'];

describe('each switch switches', () => {
  test.each<[Record<string, string>, number, string[]]>([
    [{}, 2, all],
    [{ TOOLKIT_METRICS_ENABLED: 'true' }, 2, all],
    [{ TOOLKIT_METRICS_ENABLED: 'false' }, 0, []],
    [{ TOOLKIT_TRACK_LIFECYCLE: 'off' }, 2, []],
    [{ TOOLKIT_TRACK_INVOCATIONS: 'no' }, 0, all],
    [{ TOOLKIT_TRACK_LIFECYCLE: '0', TOOLKIT_TRACK_INVOCATIONS: '0' }, 0, []],
    [{ TOOLKIT_SAMPLE_RATE: '0' }, 0, all],
    [{ TOOLKIT_SAMPLE_RATE: '1.0' }, 2, all],
  ])('%j', async (env, executions, operations) => {
    expect(await left(env)).toEqual([executions, operations]);
  });

  test('nothing is wrapped where nothing is recorded', () => {
    const { analytics } = rig();
    const toolkit = new Calculator();
    expect(trackToolkit(analytics, toolkit, { enabled: false })).toBe(toolkit);
  });

  test('a share of the invocations keeps the counts, and every failure', async () => {
    let made = 0;
    const newId = (): string => {
      made += 1;
      return `00000000-0000-4000-8000-${made.toString().padStart(12, '0')}`;
    };
    const { analytics, executions } = rig({ newId, sampleRate: 1 });
    const toolkit = trackToolkit(analytics, new Calculator(), toolkitOptionsFromEnv({ TOOLKIT_SAMPLE_RATE: '0.1' }));
    for (let call = 0; call < 1000; call += 1) {
      toolkit.add(call, call);
    }
    expect(() => toolkit.fail()).toThrow('mine');
    // What is no tool of the toolkit is not sampled with it.
    analytics.recordSkillExecution({ skillId: 'other', success: true });
    const kept = await executions();
    const added = kept.filter(({ name }) => name === 'add');
    expect(added.length).toBeGreaterThan(80);
    expect(added.length).toBeLessThan(120);
    expect(added.every(({ weight }) => weight === 10)).toBe(true);
    expect(kept.filter(({ name }) => name !== 'add').map(({ weight }) => weight)).toEqual([undefined, undefined]);
    expect(analytics.stats().backends['memory']?.dropped.sampled).toBe(1000 - added.length);
  });

  test('the batch size is that of what is written', async () => {
    const sizes: number[] = [];
    const backend: Backend = {
      name: 'own',
      delivery: { maxEvents: 500, maxDelayMs: 60_000 },
      settings: {},
      write: ({ length }) => void sizes.push(length),
    };
    const options = toolkitOptionsFromEnv({ TOOLKIT_BATCH_SIZE: '3' });
    const { batchSize } = options;
    const analytics = createAnalytics({ backends: [backend], batchSize });
    // Takes all that was read, with what is for the client.
    const toolkit = trackToolkit(analytics, new Calculator(), { ...options, sizes: false });
    for (let call = 0; call < 6; call += 1) {
      toolkit.add(call, call);
    }
    await analytics.close();
    expect(sizes).toEqual([3, 3, 1]);
  });
});

test('variables that are wrong are reported, all at once', () => {
  const env = {
    TOOLKIT_METRICS_ENABLED: 'perhaps',
    TOOLKIT_TRACK_LIFECYCLE: '2',
    TOOLKIT_TRACK_INVOCATIONS: 'x',
    TOOLKIT_SAMPLE_RATE: '1.5',
    TOOLKIT_BATCH_SIZE: '0',
  };
  let error: AnalyticsError | undefined;
  try {
    toolkitOptionsFromEnv(env);
  } catch (thrown) {
    error = thrown as AnalyticsError;
  }
  expect(error?.code).toBe('INVALID_CONFIG');
  expect(error?.problems.map(({ field }) => field)).toEqual(Object.keys(env));
});
