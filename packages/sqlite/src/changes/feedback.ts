import type { RecommendationFeedback } from '@toolweaver/analytics-core';
import type { Connection } from '../database.ts';
import { uuidBytes } from '../stored.ts';

/** What a user did with a recommendation. */
export interface Feedback {
  /** UUID. */
  readonly id: string;
  readonly feedback: RecommendationFeedback;
  /** Unix time in ms. */
  readonly at: number;
}

const columns: Readonly<Record<RecommendationFeedback, string>> = { clicked: 'clicked_at', installed: 'installed_at' };

/** Records feedback; the first of each kind stays. Returns false for an unknown recommendation. */
export function feedback(db: Connection, { id, feedback, at }: Feedback): boolean {
  const column = columns[feedback];
  const update = db.prepare(`UPDATE recommendations SET ${column} = coalesce(${column}, ?) WHERE id = ?`);
  return update.run(at, uuidBytes(id)).changes === 1;
}
