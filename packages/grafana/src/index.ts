export { type GeneratedFile, generateFiles } from './files.ts';
export type { GrafanaOptions } from './options.ts';
export { defaultThresholds, type ThresholdName, type Thresholds } from './thresholds.ts';
