export type { ArtifactInput, ArtifactSource } from './artifact.ts';
export { type RunClientOptions, startRun } from './client.ts';
export { wandbFromEnv } from './env.ts';
export type { FinishOptions } from './finish-options.ts';
export { type HistogramOptions, histogram } from './histogram.ts';
export {
  type Cell,
  html,
  type ImageOptions,
  image,
  type Media,
  plotly,
  table,
} from './media.ts';
export type { MetricOptions, SummaryKind } from './metric-definition.ts';
export type { Alert, AlertLevel } from './operations.ts';
export type { ConnectionOptions, DescriptionOptions, ResumeMode, WandbMode } from './options.ts';
export { type WandbOptions, wandb } from './wandb.ts';
export type { LogOptions, WandbRun } from './wandb-run.ts';
