// What backends are made with, and other packages that build on core. Programs that only record need none of it.

export { maxTimerMs, secondsProblem, steadyClock } from './clock.ts';
export { createFolder } from './create-folder.ts';
export { createReporter, type Reporter, tell } from './delivery/reporter.ts';
export { isDiskFull } from './disk-full.ts';
export { type EnvReader, readEnv } from './env.ts';
export { configError, toAnalyticsError } from './errors.ts';
export { executionKinds } from './events/event.ts';
export { parseEvent } from './events/parse.ts';
export { toPrice } from './events/pricing.ts';
export { allInputTokens, totalTokens } from './events/usage.ts';
export { failureReason } from './failure-reason.ts';
export { expandHome } from './home.ts';
export { defaultLatencyBucketsMs } from './latency-buckets.ts';
export { isLoopback } from './loopback.ts';
export { createNotices, type Notices } from './notices.ts';
export {
  checkOptions,
  createOptionChecks,
  type OptionBounds,
  type OptionChecks,
  type OptionNames,
  type UrlParts,
} from './option-checks.ts';
export { ownVersion } from './own-version.ts';
export { guardedRandom } from './random.ts';
export { maxRetryAfterMs, retryAfterMs } from './retry-after.ts';
export { isSecret, redact, secret, secretsOfHeader, withoutAnswer } from './secret.ts';
export { describe as describeValue } from './values/describe.ts';
export { parseUuid } from './values/id.ts';
export type { NumberRange } from './values/range.ts';
export { cleanId } from './values/text.ts';
export { describeThrown } from './values/thrown.ts';
export { unknownFields, unknownOptions } from './values/unknown.ts';
export { pause, untilAborted } from './waiting.ts';
