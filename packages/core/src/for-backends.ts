// What backends are made with, and other packages that build on core. Programs that only record need none of it.

export { steadyClock } from './clock.ts';
export { type EnvReader, type NumberRange, readEnv } from './env.ts';
export { configError } from './errors.ts';
export { executionKinds } from './event.ts';
export { isLoopback } from './loopback.ts';
export { parseEvent } from './parse.ts';
export { createReporter, type Reporter, toAnalyticsError } from './reporter.ts';
export { isSecret, redact, secret, secretsOfHeader, withoutAnswer } from './secret.ts';
export { tell } from './tell.ts';
export { cleanId } from './text.ts';
export { describeThrown } from './thrown.ts';
export { unknownOptions } from './unknown.ts';
