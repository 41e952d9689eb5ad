import type { OperationReader } from './operations.ts';
import type { RunReader } from './runs.ts';
import type { SkillReader } from './skills.ts';
import type { ToolkitReader } from './toolkits.ts';

/**
 * The read side of a backend. Every method rejects with `INVALID_CONFIG` on wrong options (all problems at once), and covers
 * what was written before the call; through a client, what was recorded before it, after waiting up to ten seconds for delivery.
 */
export interface AnalyticsReader extends SkillReader, OperationReader, RunReader, ToolkitReader {}
