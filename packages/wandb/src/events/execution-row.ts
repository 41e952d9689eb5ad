import type { ExecutionEvent } from '@toolweaver/analytics-core';
import { totalTokens } from '@toolweaver/analytics-core/backend';
import { addNumber, addText, endRow, type RowList } from '../encoding/batch.ts';
import { has, shapeIn } from './keys.ts';
import type { Tally } from './tally.ts';
import { describeError } from './total.ts';

/** Adds the row of one execution, and updates the last values of its keys. Hot path: looks at every field once. */
export function addExecutionRow(rows: RowList, tally: Tally, event: ExecutionEvent): void {
  const { latencyMs, error, cost, usage, weight, version, model, cacheHit, attempt } = event;
  let fields = event.success ? 0 : has.failed;
  tally.last = event;
  if (latencyMs !== undefined) {
    fields |= has.duration;
    tally.lastLatencyMs = latencyMs;
    addNumber(rows, latencyMs / 1000);
  }
  if (error !== undefined) {
    fields |= has.error;
    tally.lastError = error;
    addText(rows, JSON.stringify(describeError(error)));
  }
  if (cost !== undefined) {
    fields |= has.cost;
    tally.lastNanoUsd = cost.nanoUsd;
    addNumber(rows, cost.nanoUsd / 1e9);
  }
  if (usage !== undefined) {
    fields |= has.usage;
    const sum = totalTokens(usage);
    tally.lastTokens = sum;
    const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
    addNumber(rows, sum);
    addNumber(rows, inputTokens);
    addNumber(rows, cacheReadTokens);
    addNumber(rows, cacheWriteTokens);
    addNumber(rows, outputTokens);
    addNumber(rows, reasoningTokens);
    addNumber(rows, sum);
  }
  if (weight !== undefined && weight !== 1) {
    fields |= has.weight;
    tally.lastWeight = weight;
    addNumber(rows, weight);
  }
  if (version !== undefined) {
    fields |= has.version;
    tally.lastVersion = version;
    addText(rows, JSON.stringify(version));
  }
  if (model !== undefined && model !== event.name) {
    fields |= has.model;
    tally.lastModel = model;
    addText(rows, JSON.stringify(model));
  }
  if (cacheHit !== undefined) {
    fields |= has.cacheHit;
    tally.lastCacheHit = cacheHit;
    addText(rows, String(cacheHit));
  }
  if (attempt !== undefined && attempt !== 1) {
    fields |= has.attempt;
    tally.lastAttempt = attempt;
    addNumber(rows, attempt);
  }
  endRow(rows, shapeIn(tally.keys, fields), event.at);
}
