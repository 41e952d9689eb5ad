import { randomUUID } from 'node:crypto';
import type { Candidate } from '../answers/recommend.ts';
import type { Connection } from '../database.ts';
import { keepText } from '../dictionary.ts';
import { formatUuid, uuidBytes } from '../stored.ts';

/** Recommendations made to a user. */
export interface Recommended {
  readonly userId: string;
  readonly orgId: string | undefined;
  /** Unix time in ms. */
  readonly at: number;
  readonly candidates: readonly Candidate[];
}

/** Logs recommendations; returns their ids, in order. A skill keeps the id that it has for the user and organisation. */
export function recommend(db: Connection, { userId, orgId, at, candidates }: Recommended): string[] {
  const user = keepText(db, userId);
  const org = orgId === undefined ? null : keepText(db, orgId);
  const log = db
    .prepare(`
      INSERT INTO recommendations (id, user, org, subject, type, score, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (user, subject, coalesce(org, 0)) DO UPDATE
      SET type = excluded.type, score = excluded.score, reason = excluded.reason, at = excluded.at
      RETURNING id`)
    .pluck();
  return candidates.map(({ skillId, type, score, reason }) => {
    const id = uuidBytes(randomUUID());
    return formatUuid(log.get(id, user, org, subjectId(db, skillId), type, score, reason, at) as Buffer);
  });
}

function subjectId(db: Connection, skillId: string): number {
  db.prepare("INSERT INTO subjects (kind, name) VALUES ('skill', ?) ON CONFLICT (kind, name) DO NOTHING").run(skillId);
  const find = db.prepare("SELECT id FROM subjects WHERE kind = 'skill' AND name = ?").pluck();
  return find.get(skillId) as number;
}
