export { type FakeClock, type FakeClockOptions, fakeClock } from './clock.ts';
export { artifact, execution, health, metrics, rating, run, toolkit } from './events.ts';
export { deterministicIds } from './ids.ts';
export { type CheckOptions, checkLaw, type Law, type Need, type Trait } from './law.ts';
export { laws } from './laws.ts';
export { type EventPattern, type ExpectRecordedOptions, expectRecorded, ledgerHolds } from './matchers.ts';
export type {
  ArtifactTally,
  ExecutionTally,
  HealthReading,
  MetricTally,
  Observation,
  RatingTally,
  RunReading,
  Subject,
  ToolkitTally,
} from './subject.ts';
export { type Skip, type SuiteOptions, type TestContext, testBackend } from './suite.ts';
export { tally } from './tally.ts';
export type { Create, Trial } from './trial.ts';
