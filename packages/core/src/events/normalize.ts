import * as types from 'node:util/types';
import { maxTime, secondsProblem } from '../clock.ts';
import type { Surroundings } from '../tracking/context.ts';
import {
  choice,
  optionalError,
  optionalFlag,
  optionalJson,
  optionalLines,
  optionalNumber,
  optionalText,
  optionalUuid,
  optionalWhole,
  refuse,
  refuseValue,
  requiredFlag,
  requiredNumber,
  requiredObject,
  requiredText,
} from '../values/check.ts';
import { describe } from '../values/describe.ts';
import { maxIdLength, maxMessageLength } from '../values/text.ts';
import {
  type AnalyticsEvent,
  type Cost,
  type ErrorInfo,
  type EventFields,
  type EventType,
  type ExecutionEvent,
  type ExecutionKind,
  executionKinds,
} from './event.ts';
import type {
  ArtifactInput,
  CommonInput,
  EventInput,
  ExecutionDetails,
  HealthScoreInput,
  MetricsInput,
  RunInput,
  SkillRatingInput,
  ToolkitEventInput,
} from './input.ts';
import { LeanExecution } from './lean-execution.ts';
import type { Pricing } from './pricing.ts';
import { toUsage } from './usage.ts';

/** What an event gets for fields that its input leaves out. */
export interface Defaults {
  /** Whole Unix time in ms. */
  readonly now: () => number;
  readonly newId: (nowMs: number) => string;
  readonly context: () => Surroundings | undefined;
  readonly errorMessages: boolean;
  /** Prices an execution without a cost. */
  readonly price?: Pricing | undefined;
}

const maxArtifactBytes = 8 * 1024 * 1024;
const maxMetrics = 1000;
const maxTags = 100;

/**
 * Makes a valid, complete event out of an input; reads each field of the input once.
 * @throws AnalyticsError `INVALID_EVENT` or `TOO_LARGE` with the field and the reason; whatever a getter of the input throws.
 */
export function toEvent(input: EventInput, defaults: Defaults): AnalyticsEvent {
  requiredObject(input, 'event');
  const type = choice(input.type, 'type', eventTypes);
  return makers[type](input as never, defaults);
}

const makers: { readonly [T in EventType]: (input: InputOf<T>, defaults: Defaults) => AnalyticsEvent } = {
  execution: (input, defaults) =>
    toExecution(choice(input.kind, 'kind', executionKinds), input.name, 'name', input, defaults),
  rating: toRating,
  health: toHealth,
  toolkit: toToolkit,
  metrics: toMetrics,
  run: toRun,
  artifact: toArtifact,
};
// The mark lets bundlers leave out all of this if it is unused.
const eventTypes = /* @__PURE__ */ Object.keys(makers) as EventType[];

type InputOf<T> = Extract<EventInput, { readonly type: T }>;

function commonFields(
  input: CommonInput,
  { newId, now, context }: Defaults,
  runId: unknown = input.runId,
): EventFields {
  const surroundings = context();
  const { at } = input;
  const nowMs = now();
  return {
    id: optionalUuid(input.id, 'id') ?? newId(nowMs),
    at: at === undefined || at === null ? nowMs : givenTime(at),
    runId: optionalText(runId, 'runId') ?? surroundings?.runId,
    userId: optionalText(input.userId, 'userId') ?? surroundings?.userId,
    orgId: optionalText(input.orgId, 'orgId') ?? surroundings?.orgId,
    attributes: optionalJson(input.attributes, 'attributes'),
  };
}

function givenTime(at: unknown): number {
  const time = Math.trunc(requiredNumber(at, 'at', 0, maxTime, false));
  const problem = secondsProblem(time);
  // No window would ever show the event, and retention would delete it.
  return problem === undefined ? time : refuse('at', problem);
}

/** Makes an execution. `nameField` is what the caller calls the name: `skillId`, `toolName` … */
export function toExecution(
  kind: ExecutionKind,
  name: unknown,
  nameField: string,
  input: ExecutionDetails & { readonly success: boolean },
  defaults: Defaults,
): ExecutionEvent {
  const type = 'execution';
  const { id, at, runId, userId, orgId, attributes } = commonFields(input, defaults);
  const parentId = optionalUuid(input.parentId, 'parentId') ?? defaults.context()?.parentId;
  const checkedName = requiredText(name, nameField);
  const success = requiredFlag(input.success, 'success');
  const latencyMs = optionalNumber(input.latencyMs, 'latencyMs');
  const { error, version, toolkit, attempt, cacheHit, inputBytes, outputBytes, model, provider, usage, cost } = input;
  const more = attributes ?? error ?? version ?? toolkit ?? attempt ?? cacheHit ?? inputBytes ?? outputBytes;
  if ((more ?? model ?? provider ?? usage ?? cost ?? undefined) === undefined) {
    return new LeanExecution({
      type,
      id,
      at,
      runId,
      userId,
      orgId,
      parentId,
      kind,
      name: checkedName,
      success,
      latencyMs,
    });
  }
  const checkedModel = optionalText(model, 'model');
  const checkedProvider = optionalText(provider, 'provider');
  const checkedUsage = toUsage(usage);
  const { price } = defaults;
  // Not spread from the lean object: a copy that grows is slower to make, and larger.
  return {
    type,
    id,
    at,
    runId,
    userId,
    orgId,
    parentId,
    kind,
    name: checkedName,
    success,
    latencyMs,
    attributes,
    error: toErrorInfo(error, defaults),
    version: optionalText(version, 'version'),
    toolkit: optionalText(toolkit, 'toolkit'),
    attempt: optionalWhole(attempt, 'attempt', 1),
    cacheHit: optionalFlag(cacheHit, 'cacheHit'),
    inputBytes: optionalWhole(inputBytes, 'inputBytes'),
    outputBytes: optionalWhole(outputBytes, 'outputBytes'),
    model: checkedModel,
    provider: checkedProvider,
    usage: checkedUsage,
    cost:
      toCost(cost) ??
      (price !== undefined && checkedModel !== undefined && checkedUsage !== undefined
        ? price({ model: checkedModel, provider: checkedProvider, usage: checkedUsage, at })
        : undefined),
  };
}

function toErrorInfo(value: unknown, { errorMessages }: Defaults): ErrorInfo | undefined {
  const error = optionalError(value, 'error');
  return errorMessages || error === undefined ? error : { type: error.type };
}

function toCost(value: unknown): Cost | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const { usd, source, currency } = requiredObject(value, 'cost', 'an object such as { usd: 0.01 }');
  if ((currency ?? 'USD') !== 'USD') {
    refuse('cost.currency', `must be USD, got ${describe(currency)}: convert it`);
  }
  const dollars = requiredNumber(usd, 'cost.usd', 0, Number.MAX_SAFE_INTEGER / 1e9, false);
  return {
    nanoUsd: Math.round(dollars * 1e9),
    source: choice(source ?? 'provider', 'cost.source', ['provider', 'override', 'computed']),
  };
}

function toRating(input: SkillRatingInput, defaults: Defaults): AnalyticsEvent {
  return {
    type: 'rating',
    ...commonFields(input, defaults),
    skillId: requiredText(input.skillId, 'skillId'),
    rating: requiredNumber(input.rating, 'rating', 1, 5, true),
    executionId: optionalUuid(input.executionId, 'executionId'),
    comment: optionalLines(input.comment, 'comment', maxMessageLength),
  };
}

function toHealth(input: HealthScoreInput, defaults: Defaults): AnalyticsEvent {
  return {
    type: 'health',
    ...commonFields(input, defaults),
    skillId: requiredText(input.skillId, 'skillId'),
    score: requiredNumber(input.score, 'score', 0, 100, false),
    deprecated: optionalFlag(input.deprecated, 'deprecated'),
  };
}

function toToolkit(input: ToolkitEventInput, defaults: Defaults): AnalyticsEvent {
  return {
    type: 'toolkit',
    ...commonFields(input, defaults),
    toolkit: requiredText(input.toolkit, 'toolkit'),
    operation: choice(input.operation, 'operation', ['create', 'cache_hit', 'cache_miss', 'cleanup']),
    durationMs: requiredNumber(input.durationMs, 'durationMs', 0, Number.MAX_VALUE, false),
    success: requiredFlag(input.success, 'success'),
    error: toErrorInfo(input.error, defaults),
  };
}

function toMetrics(input: MetricsInput, defaults: Defaults): AnalyticsEvent {
  // A number that is missing must not cost the others.
  const given = Object.entries(requiredObject(input.values, 'values')).filter(
    ([, value]) => (value ?? undefined) !== undefined,
  );
  if (given.length === 0 || given.length > maxMetrics) {
    refuse('values', `must hold 1 to ${maxMetrics} numbers, got ${given.length}`);
  }
  const { MAX_VALUE } = Number;
  const checked = given.map(([name, value]) => [
    requiredText(name, 'values: a name'),
    requiredNumber(value, `values.${describe(name)}`, -MAX_VALUE, MAX_VALUE, false),
  ]);
  const values = Object.fromEntries(checked);
  if (Object.keys(values).length < given.length) {
    refuse('values', `must have names that differ in their first ${maxIdLength} characters`);
  }
  return {
    type: 'metrics',
    ...commonFields(input, defaults),
    values,
    step: optionalWhole(input.step, 'step'),
  };
}

function toRun(input: RunInput, defaults: Defaults): AnalyticsEvent {
  const { runId } = input;
  return {
    type: 'run',
    ...commonFields(input, defaults, runId),
    runId: requiredText(runId, 'runId'),
    state: choice(input.state, 'state', ['started', 'finished', 'failed']),
    name: optionalText(input.name, 'name'),
    project: optionalText(input.project, 'project'),
    config: optionalJson(input.config, 'config'),
    tags: toTags(input.tags),
    summary: optionalJson(input.summary, 'summary'),
  };
}

function toTags(value: unknown): string[] | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (!Array.isArray(value)) {
    return refuseValue(value, 'tags', 'an array of strings');
  }
  const { length } = value;
  if (length > maxTags) {
    refuse('tags', `must hold at most ${maxTags} strings, got ${length}`);
  }
  return Array.from({ length }, (_, at) => requiredText(value[at], `tags[${at}]`));
}

function toArtifact(input: ArtifactInput, defaults: Defaults): AnalyticsEvent {
  const event = {
    type: 'artifact',
    ...commonFields(input, defaults),
    name: requiredText(input.name, 'name'),
    kind: requiredText(input.kind, 'kind'),
    path: optionalLines(input.path, 'path', 4096),
    bytes: toBytes(input.bytes),
  } as const;
  if ((event.path === undefined) === (event.bytes === undefined)) {
    refuse('path', 'or bytes must be given, and not both');
  }
  return event;
}

function toBytes(value: unknown): Uint8Array | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (!types.isUint8Array(value)) {
    return refuseValue(value, 'bytes', 'a Uint8Array');
  }
  if (value.byteLength > maxArtifactBytes) {
    const message = `must be at most ${maxArtifactBytes} bytes, got ${value.byteLength}: pass a path`;
    refuse('bytes', message, 'TOO_LARGE');
  }
  return new Uint8Array(value);
}
