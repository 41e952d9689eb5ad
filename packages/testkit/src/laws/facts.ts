import assert from 'node:assert/strict';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { artifact, execution, health, metrics, rating, run, toolkit } from '../events.ts';
import type { Law } from '../law.ts';
import { bareEvents, fullEvents, hostileNames } from '../samples.ts';
import type { ExecutionFigure } from '../tally.ts';
import type { Trial } from '../trial.ts';

/** Everything recorded arrives, unchanged. */
export const factLaws: readonly Law[] = [
  {
    law: 'a fresh far side shows nothing',
    check: (trial) => trial.holds([]),
  },
  {
    law: 'an execution arrives once, with its outcome and its latency',
    check: (trial) => deliverAndHold(trial, [execution({ latencyMs: 12.5 })], 'latency'),
  },
  {
    law: 'successes and failures are told apart',
    check: (trial) =>
      deliverAndHold(trial, [
        execution({ success: true }),
        execution({ success: false, error: { type: 'TimeoutError' } }),
        execution({ success: false }),
        execution({ name: 'always fails', success: false, error: { type: 'TypeError', message: 'no' } }),
      ]),
  },
  {
    law: 'names are told apart',
    check: (trial) =>
      deliverAndHold(trial, [
        execution({ name: 'translate' }),
        execution({ name: 'translator' }),
        execution({ name: 'translator' }),
        execution({ kind: 'tool', name: 'read_file' }),
        execution({ kind: 'tool', name: 'write_file' }),
      ]),
  },
  {
    law: 'a skill, a tool and an LLM call of one name are told apart',
    check: (trial) =>
      deliverAndHold(trial, [
        execution({ kind: 'skill', name: 'same' }),
        execution({ kind: 'tool', name: 'same' }),
        execution({ kind: 'tool', name: 'same' }),
        execution({ kind: 'llm', name: 'same', model: 'same' }),
      ]),
  },
  {
    law: 'an agent, a search and an operation of one name are told apart',
    check: (trial) =>
      deliverAndHold(trial, [
        execution({ kind: 'agent', name: 'same' }),
        execution({ kind: 'search', name: 'same' }),
        execution({ kind: 'search', name: 'same' }),
        execution({ kind: 'operation', name: 'same', success: false }),
      ]),
  },
  {
    law: 'a latency of zero counts, an unknown latency does not',
    check: (trial) =>
      deliverAndHold(
        trial,
        [
          execution({ latencyMs: 0 }),
          execution({ latencyMs: 40 }),
          execution({ latencyMs: undefined }),
          execution({ name: 'at once', latencyMs: 0 }),
          execution({ name: 'nobody looked', latencyMs: undefined }),
        ],
        'latency',
      ),
  },
  {
    law: 'a sampled execution counts by its weight',
    check: (trial) =>
      deliverAndHold(
        trial,
        [
          execution({ weight: 4, latencyMs: 10, cost: { nanoUsd: 5, source: 'provider' } }),
          execution({ weight: 2.5, latencyMs: undefined, cost: { nanoUsd: 4, source: 'provider' } }),
          execution({ latencyMs: 30 }),
          execution({ weight: 8, success: false, latencyMs: 0.5 }),
          execution({ kind: 'llm', name: 'sonnet', model: 'sonnet', weight: 3, usage: tokens(1, 2, 3, 4, 5) }),
        ],
        'latency',
      ),
  },
  {
    law: 'known costs add up to the nano-dollar',
    check: (trial) =>
      deliverAndHold(
        trial,
        // In floating-point dollars the first three do not make 0.3 + 1e-9, and the last two are lost in rounding.
        [100_000_000, 200_000_000, 1, 4_999_999_999_999, 3].map((nanoUsd) =>
          execution({ kind: 'tool', name: 'search_web', cost: { nanoUsd, source: 'provider' } }),
        ),
        'nanoUsd',
      ),
  },
  {
    law: 'an unknown cost is not a cost of zero',
    check: (trial) =>
      deliverAndHold(
        trial,
        [
          execution({ kind: 'tool', name: 'unknown' }),
          execution({ kind: 'tool', name: 'free', cost: { nanoUsd: 0, source: 'override' } }),
          execution({ kind: 'tool', name: 'mixed' }),
          execution({ kind: 'tool', name: 'mixed', cost: { nanoUsd: 7, source: 'computed' } }),
        ],
        'nanoUsd',
      ),
  },
  {
    law: 'tokens add up by class',
    check: (trial) =>
      deliverAndHold(
        trial,
        [
          llmCall('sonnet', tokens(100, 20, 3, 40, 5)),
          llmCall('sonnet', tokens(1, 2, 4, 8, 16)),
          llmCall('haiku', tokens(0, 0, 0, 9, 0)),
        ],
        'tokens',
      ),
  },
  {
    law: 'ratings arrive',
    needs: ['ratings'],
    check: (trial) =>
      deliverAndHold(trial, [
        rating({ rating: 5 }),
        rating({ rating: 5 }),
        rating({ rating: 1, comment: 'wrong' }),
        rating({ skillId: 'other', rating: 3 }),
      ]),
  },
  {
    law: 'the latest of several health scores stands',
    needs: ['health'],
    check: (trial) =>
      deliverAndHold(
        trial,
        inTime([health({ score: 90 }), health({ skillId: 'other', score: 0 }), health({ score: 42.5 })]),
      ),
  },
  {
    law: 'what happens to toolkits arrives',
    needs: ['toolkits'],
    check: (trial) =>
      deliverAndHold(trial, [
        toolkit(),
        toolkit({ operation: 'cache_hit', durationMs: 0 }),
        toolkit({ operation: 'cache_hit' }),
        toolkit({ operation: 'cache_miss' }),
        toolkit({ operation: 'cleanup', success: false, error: { type: 'IoError' } }),
        toolkit({ toolkit: 'web' }),
      ]),
  },
  {
    law: 'logged metrics arrive',
    needs: ['metrics'],
    check: (trial) =>
      deliverAndHold(
        trial,
        inTime([
          metrics({ runId: 'run-1', values: { loss: 0.5, accuracy: 0 }, step: 1 }),
          metrics({ runId: 'run-1', values: { loss: -0.25 }, step: 2 }),
        ]),
      ),
  },
  {
    law: 'the state of a run arrives',
    needs: ['runs'],
    check: (trial) =>
      deliverAndHold(
        trial,
        inTime([
          run({ runId: 'run-1', state: 'started', name: 'first' }),
          run({ runId: 'run-2', state: 'started' }),
          run({ runId: 'run-3', state: 'started' }),
          run({ runId: 'run-1', state: 'finished', summary: { total: 3 } }),
          run({ runId: 'run-2', state: 'failed' }),
        ]),
      ),
  },
  {
    law: 'a later start of a run changes what it says, and keeps the rest',
    needs: ['runs'],
    async check(trial) {
      const said = { config: { batch: 8, model: { name: 'a' } }, tags: ['eu', 'b'] };
      const starts = [
        run({ runId: 'run-1', name: 'first', ...said }),
        run({ runId: 'run-2', name: 'second', ...said }),
        run({ runId: 'run-3' }),
      ];
      const again = [
        run({ runId: 'run-1' }),
        run({ runId: 'run-2', name: 'renamed' }),
        run({ runId: 'run-3', ...said }),
      ];
      const events = inTime([...starts, ...again]);
      await trial.deliver(events.slice(0, starts.length));
      await trial.deliver(events.slice(starts.length));
      await trial.holds(events);
      const lacking = (await trial.observe()).runs?.find(
        ({ runId, name, config, tags }) =>
          (name === undefined && runId !== 'run-3') || config === undefined || tags === undefined,
      );
      assert.ok(lacking === undefined, `observe() gives not all of name, config and tags of ${lacking?.runId}`);
    },
  },
  {
    law: 'artifacts arrive',
    needs: ['artifacts'],
    check: (trial) =>
      deliverAndHold(trial, [
        artifact({ runId: 'run-1' }),
        artifact({ runId: 'run-1', name: 'rows', bytes: new Uint8Array([1, 2, 3]) }),
      ]),
  },
  {
    law: 'every type of event is accepted',
    check: (trial) => deliverAndHold(trial, inTime([...fullEvents(), ...bareEvents()])),
  },
  {
    law: 'hostile names are kept apart and arrive unchanged',
    check: (trial) =>
      deliverAndHold(
        trial,
        hostileNames.flatMap((name, at) => [
          ...Array.from({ length: (at % 3) + 1 }, () => execution({ name })),
          execution({ kind: 'tool', name, success: false, error: { type: name } }),
          rating({ skillId: name, rating: (at % 5) + 1 }),
          health({ skillId: name, score: at }),
          toolkit({ toolkit: name }),
        ]),
      ),
  },
  {
    law: 'attributes and fields of later versions disturb nothing',
    async check(trial) {
      const attributes = {
        name: 'other',
        kind: 'tool',
        success: false,
        latencyMs: -1,
        id: 'x',
        weight: 9,
        type: 'run',
      };
      const later = { addedLater: { deep: ['value'] }, labels: 'none', table: 1 };
      await deliverAndHold(trial, [
        execution({ attributes }),
        execution({ ...later, kind: 'tool', name: 'read_file', attributes: { ...attributes, nested: { attributes } } }),
        rating({ ...later, attributes }),
      ]);
    },
  },
];

async function deliverAndHold(
  trial: Trial,
  events: readonly AnalyticsEvent[],
  ...required: readonly ExecutionFigure[]
): Promise<void> {
  await trial.deliver(events);
  await trial.holds(events, ...required);
}

function llmCall(model: string, usage: ReturnType<typeof tokens>): AnalyticsEvent {
  return execution({ kind: 'llm', name: model, model, provider: 'anthropic', usage });
}

function tokens(
  inputTokens: number,
  cacheReadTokens: number,
  cacheWriteTokens: number,
  outputTokens: number,
  reasoningTokens: number,
) {
  return { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens };
}

/** Returns the same events a millisecond apart, the last one now, so that it is clear which is the latest. */
export function inTime(events: readonly AnalyticsEvent[]): AnalyticsEvent[] {
  const now = Date.now();
  return events.map((event, at) => Object.freeze({ ...event, at: now - (events.length - 1 - at) }));
}
