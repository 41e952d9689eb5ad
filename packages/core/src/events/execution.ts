import {
  choice,
  optionalFlag,
  optionalNumber,
  optionalText,
  optionalUuid,
  optionalWhole,
  refuse,
  requiredFlag,
  requiredNumber,
  requiredObject,
  requiredText,
} from '../values/check.ts';
import { describe } from '../values/describe.ts';
import { commonFields, type Defaults, toErrorInfo } from './common.ts';
import type { Cost, ExecutionEvent, ExecutionKind } from './event.ts';
import type { ExecutionDetails } from './input.ts';
import { LeanExecution } from './lean-execution.ts';
import { toUsage } from './usage.ts';

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
