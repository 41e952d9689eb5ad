export { type TrackToolkitOptions, trackToolkit } from './toolkit.ts';
export { createToolkitCache, type ToolkitCache } from './toolkit-cache.ts';
export {
  type ToolkitEnv,
  type ToolkitOptions,
  type ToolkitSwitches,
  toolkitOptionsFromEnv,
} from './toolkit-options.ts';
