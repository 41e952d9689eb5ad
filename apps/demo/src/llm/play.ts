import { setTimeout } from 'node:timers/promises';
import type { Analytics } from '@toolweaver/analytics';
import { counted } from '../counted.ts';
import type { Progress } from '../progress.ts';
import type { SkippedLine } from '../read-receipts.ts';
import type { Step } from './call.ts';
import type { LlmOptions } from './options.ts';

export type Steps = AsyncIterable<Step> | Iterable<Step>;

export interface Played {
  readonly calls: number;
  readonly skipped: readonly SkippedLine[];
  /** Unix time in ms of the first call, as `last` is of the last; undefined if there are none. */
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** The most calls to record before the queue must be flushed. */
const callsBetweenFlushes = 20_000;

/** Records each call at its time. A trace contains no latencies, so none are recorded. */
export async function play(
  steps: Steps,
  analytics: Analytics,
  { models, speed, limit }: Pick<LlmOptions, 'models' | 'speed' | 'limit'>,
  progress: Progress,
  onSkipped: (line: SkippedLine) => void,
): Promise<Played> {
  const startedMs = performance.now();
  const skipped: SkippedLine[] = [];
  let calls = 0;
  let first: number | undefined;
  let last: number | undefined;
  for await (const { share, call, skipped: line } of steps) {
    if (call === undefined) {
      skipped.push(line);
      onSkipped(line);
      continue;
    }
    const { at, contextTokens, generatedTokens } = call;
    first = Math.min(first ?? at, at);
    last = Math.max(last ?? at, at);
    if (speed !== undefined) {
      await setTimeout(Math.max(0, (at - first) / speed - (performance.now() - startedMs)));
    }
    analytics.recordLlmCall({
      at,
      model: models[calls % 2] as string,
      success: true,
      usage: { inputTokens: contextTokens, outputTokens: generatedTokens },
    });
    calls += 1;
    progress.update(Math.max(share, calls / limit), counted(calls, 'call'));
    if (calls % callsBetweenFlushes === 0) {
      await analytics.flush();
    }
    if (calls >= limit) {
      break;
    }
  }
  progress.end();
  return { calls, skipped, first, last };
}
