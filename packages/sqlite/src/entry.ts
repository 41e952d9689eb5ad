import type { ByteReader, ByteWriter } from './bytes.ts';

// A line of the log of roll-ups: one entry for each execution of a write. They are counted once many have accumulated, as with
// organisations the executions of one write rarely share a cell.

/** Ids are of the database; 0 is none. NaN stands for a number that is not known. */
export interface Entry {
  at: number;
  subject: number;
  org: number;
  user: number;
  model: number;
  success: boolean;
  errorType: number;
  weight: number;
  latencyMs: number;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanoUsd: number;
  /** 0 or 1. */
  cacheHit: number;
}

const has = { org: 1, user: 2, latency: 4, success: 8, error: 16, more: 32 };
const hasMore = { model: 1, weight: 2, tokens: 4, cost: 8, cache: 16, hit: 32 };

export function emptyEntry(): Entry {
  return {
    at: 0,
    subject: 0,
    org: 0,
    user: 0,
    model: 0,
    success: false,
    errorType: 0,
    weight: 1,
    latencyMs: Number.NaN,
    inputTokens: Number.NaN,
    cacheReadTokens: Number.NaN,
    cacheWriteTokens: Number.NaN,
    outputTokens: Number.NaN,
    reasoningTokens: Number.NaN,
    costNanoUsd: Number.NaN,
    cacheHit: Number.NaN,
  };
}

/** `lastAt` is the time of the previous entry; 0 for the first. */
export function writeEntry(writer: ByteWriter, entry: Readonly<Entry>, lastAt: number): void {
  const { org, user, model, errorType, latencyMs, weight, inputTokens, costNanoUsd, cacheHit } = entry;
  const more =
    (model === 0 ? 0 : hasMore.model) |
    (weight === 1 ? 0 : hasMore.weight) |
    (Number.isNaN(inputTokens) ? 0 : hasMore.tokens) |
    (Number.isNaN(costNanoUsd) ? 0 : hasMore.cost) |
    (Number.isNaN(cacheHit) ? 0 : hasMore.cache) |
    (cacheHit === 1 ? hasMore.hit : 0);
  writer.whole(
    (org === 0 ? 0 : has.org) |
      (user === 0 ? 0 : has.user) |
      (Number.isNaN(latencyMs) ? 0 : has.latency) |
      (entry.success ? has.success : 0) |
      (errorType === 0 ? 0 : has.error) |
      (more === 0 ? 0 : has.more),
  );
  writer.signed(entry.at - lastAt);
  writer.whole(entry.subject);
  if (org !== 0) {
    writer.whole(org);
  }
  if (user !== 0) {
    writer.whole(user);
  }
  if (!Number.isNaN(latencyMs)) {
    writer.number(latencyMs);
  }
  if (errorType !== 0) {
    writer.whole(errorType);
  }
  if (more === 0) {
    return;
  }
  writer.whole(more);
  if (more & hasMore.model) {
    writer.whole(model);
  }
  if (more & hasMore.weight) {
    writer.number(weight);
  }
  if (more & hasMore.tokens) {
    writer.number(inputTokens);
    writer.number(entry.cacheReadTokens);
    writer.number(entry.cacheWriteTokens);
    writer.number(entry.outputTokens);
    writer.number(entry.reasoningTokens);
  }
  if (more & hasMore.cost) {
    writer.number(costNanoUsd);
  }
}

/** Reads into `entry`, which must hold the previous entry or be empty. */
export function readEntry(reader: ByteReader, entry: Entry): void {
  const mask = reader.whole();
  entry.at += reader.signed();
  entry.subject = reader.whole();
  entry.org = mask & has.org ? reader.whole() : 0;
  entry.user = mask & has.user ? reader.whole() : 0;
  entry.latencyMs = mask & has.latency ? reader.number() : Number.NaN;
  entry.success = (mask & has.success) !== 0;
  entry.errorType = mask & has.error ? reader.whole() : 0;
  const more = mask & has.more ? reader.whole() : 0;
  entry.model = more & hasMore.model ? reader.whole() : 0;
  entry.weight = more & hasMore.weight ? reader.number() : 1;
  if (more & hasMore.tokens) {
    entry.inputTokens = reader.number();
    entry.cacheReadTokens = reader.number();
    entry.cacheWriteTokens = reader.number();
    entry.outputTokens = reader.number();
    entry.reasoningTokens = reader.number();
  } else {
    entry.inputTokens = Number.NaN;
  }
  entry.costNanoUsd = more & hasMore.cost ? reader.number() : Number.NaN;
  entry.cacheHit = more & hasMore.cache ? Number((more & hasMore.hit) !== 0) : Number.NaN;
}
