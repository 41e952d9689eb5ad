export { createAnalytics } from './analytics.ts';
export type { Backend, BatchDelivery, ClientFigures, Setting } from './backend.ts';
export type {
  Analytics,
  AnalyticsOptions,
  Clock,
  Context,
  DeadlineOptions,
  DescribeCall,
  FinalState,
  FinishOptions,
  NumbersOf,
  Operation,
  OperationDetails,
  RetryOptions,
  Run,
  RunOptions,
  Settled,
  Subject,
  SubjectDetails,
  TraceCarrier,
  TraceContext,
} from './client.ts';
export type * from './delivery/report.ts';
export type { Env } from './env.ts';
export {
  AnalyticsError,
  type AnalyticsErrorOptions,
  type ErrorCode,
  isAnalyticsError,
  type Problem,
} from './errors.ts';
export type * from './events/event.ts';
export type * from './events/input.ts';
export type * from './events/prices.ts';
export { type MemoryBackend, type MemoryOptions, memory } from './memory.ts';
export type * from './reader/common.ts';
export type * from './reader/executions.ts';
export type * from './reader/operations.ts';
export type * from './reader/reader.ts';
export type * from './reader/runs.ts';
export type * from './reader/skills.ts';
export type * from './reader/toolkits.ts';
export type { Secret } from './secret.ts';
