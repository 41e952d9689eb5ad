export type { FinishOptions } from './client/finish-options.ts';
export { type HistogramOptions, histogram } from './client/histogram.ts';
export type { LogOptions, WandbRun } from './client/wandb-run.ts';
export { type RunClientOptions, startRun } from './client.ts';
export { wandbFromEnv } from './env.ts';
export type { ArtifactInput, ArtifactSource } from './files/artifact.ts';
export {
  type Cell,
  html,
  type ImageOptions,
  image,
  type Media,
  plotly,
  table,
} from './files/media.ts';
export type { MetricOptions, SummaryKind } from './metric-definition.ts';
export type { Alert, AlertLevel } from './service/operations.ts';
export type { ConnectionOptions, DescriptionOptions, ResumeMode, WandbMode } from './settings/options.ts';
export { type WandbOptions, wandb } from './wandb.ts';
