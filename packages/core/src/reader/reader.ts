import type { OperationReader } from './operations.ts';
import type { RunReader } from './runs.ts';
import type { SkillReader } from './skills.ts';
import type { ToolkitReader } from './toolkits.ts';

/**
 * The read side of a backend. Every method rejects with `INVALID_CONFIG` on wrong options (all problems at once) and
 * answers from what was written before the call; through a client, from what was recorded before the call, for which it waits ten seconds at most.
 */
export interface AnalyticsReader extends SkillReader, OperationReader, RunReader, ToolkitReader {}
