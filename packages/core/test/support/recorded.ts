import type { ExecutionEvent } from '../../src/index.ts';
import type { Rig } from './rig.ts';

export type Recorded = Pick<ExecutionEvent, 'id' | 'name' | 'parentId' | 'userId' | 'runId' | 'error' | 'success'>;

/** The executions that reach the far side, in order. */
export async function recorded({ analytics, side }: Rig): Promise<readonly ExecutionEvent[]> {
  await analytics.flush();
  return side.held.filter((event) => event.type === 'execution');
}
