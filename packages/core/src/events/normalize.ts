import * as types from 'node:util/types';
import {
  choice,
  optionalFlag,
  optionalJson,
  optionalLines,
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
import { commonFields, type Defaults, toErrorInfo } from './common.ts';
import { type AnalyticsEvent, type EventType, executionKinds } from './event.ts';
import { toExecution } from './execution.ts';
import type {
  ArtifactInput,
  EventInput,
  HealthScoreInput,
  MetricsInput,
  RunInput,
  SkillRatingInput,
  ToolkitEventInput,
} from './input.ts';

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
