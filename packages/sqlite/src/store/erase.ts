import { type Connection, type DatabaseConfig, retryBusy, transaction } from '../database.ts';
import { addText, findText } from '../dictionary.ts';
import { foldWithin, readLine } from '../fold.ts';
import { nextTail, tailBits, tailOf } from '../sequence.ts';
import { textColumns as ofExecutions } from '../stored.ts';
import { countRows, type Kind, keptTables, kinds, type RowCounts } from './kept.ts';
import { type LastOfOthers, lastOfOthers } from './last-of-others.ts';
import { truncateLog } from './log.ts';

/** What `erase()` deleted; in a dry run, what it would delete. */
export interface EraseReport {
  readonly dryRun: boolean;
  /** Rows of this user. */
  readonly rows: RowCounts;
  /** Whether the id stays because it is also the name of something else (an organisation, a run, a model…). */
  readonly nameKept: boolean;
  /**
   * Whether the file and its log are free of the deleted data, byte by byte. False when another program was reading the old
   * content, or there was no room for a new file: then `compact()` removes the rest. Null for a dry run.
   */
  readonly purged: boolean | null;
}

/** The columns besides `user` that refer to the dictionary. */
const textColumns: Readonly<Record<string, readonly string[]>> = {
  execution_events: ofExecutions.filter((column) => column !== 'user'),
  rating_events: ['run', 'org'],
  health_events: ['run', 'org'],
  toolkit_events: ['run', 'org', 'toolkit', 'operation', 'error_type'],
  metrics_events: ['run', 'org'],
  artifact_events: ['run', 'org'],
  run_events: ['run', 'org'],
  run_rollups: ['run', 'org'],
  recommendations: ['org'],
  rollups: ['org', 'model'],
};

/** Deletes everything recorded of a user in one transaction, and then every trace of it from the file. */
export function erase(db: Connection, config: DatabaseConfig, userId: string): EraseReport {
  // Overwrites deleted content before its page is used again.
  db.pragma('secure_delete = on');
  try {
    const others = lastOfOthers(db);
    others.find(findText(db, userId));
    const { rows, nameKept } = transaction(db, config, () => eraseRows(db, userId, others));
    return { dryRun: false, rows, nameKept, purged: purge(db, config) };
  } finally {
    db.pragma('secure_delete = off');
  }
}

/** What `erase` would delete. */
export function estimateErase(db: Connection, userId: string): EraseReport {
  const id = findText(db, userId);
  const count = (kind: Kind): number =>
    db
      .prepare(`SELECT count(*) ${rowsOfUser(kind)}`)
      .pluck()
      .get({ id }) as number;
  const rows = countRows((kind) => (id === undefined ? 0 : count(kind)));
  return {
    dryRun: true,
    rows,
    nameKept: isSubject(db, userId) || (id !== undefined && isMeantElsewhere(db, id)),
    purged: null,
  };
}

function eraseRows(
  db: Connection,
  userId: string,
  others: LastOfOthers,
): { readonly rows: RowCounts; readonly nameKept: boolean } {
  const id = findText(db, userId);
  if (id === undefined) {
    return { rows: countRows(() => 0), nameKept: isSubject(db, userId) };
  }
  others.find(id);
  const deleted = new Map(kinds.map((kind) => [kind, deleteRows(db, kind, id)]));
  db.prepare('DELETE FROM run_metrics WHERE user = ?').run(id);
  others.take();
  closeGaps(db, new Set(deleted.get('executions')));
  // Assigns the totals to a user whose executions are left; they are deleted with the last of those.
  db.prepare(`
    UPDATE run_rollups SET user = (
      SELECT e.user FROM execution_events e WHERE e.run = run_rollups.run AND e.user IS NOT NULL LIMIT 1
    ) WHERE user = ?`).run(id);
  const isMeant = isMeantElsewhere(db, id);
  // The number is never given to another text, as the roll-ups count users by it. No text of an event begins like this.
  db.prepare("UPDATE dictionary SET text = char(1) || 'erased ' || id WHERE id = ?").run(id);
  if (isMeant) {
    moveName(db, id, userId);
  }
  forgetTexts(db);
  return { rows: countRows((kind) => deleted.get(kind)?.length ?? 0), nameKept: isMeant || isSubject(db, userId) };
}

/** Returns the times of the deleted rows. */
function deleteRows(db: Connection, kind: Kind, id: number): readonly number[] {
  const statement = db.prepare(`DELETE ${rowsOfUser(kind)} RETURNING ${keptTables[kind].time}`).pluck();
  return statement.all({ id }) as number[];
}

function rowsOfUser(kind: Kind): string {
  return `FROM ${keptTables[kind].table} WHERE ${isOfUser(kind)}`;
}

/** A condition for rows of the user `:id`. Totals of a run are not theirs alone while the run has executions of others. */
function isOfUser(kind: Kind): string {
  const ofOthers = 'SELECT 1 FROM execution_events WHERE run = run_rollups.run AND user IS NOT :id';
  return `user IS :id${kind === 'runTotals' ? ` AND NOT EXISTS (${ofOthers})` : ''}`;
}

/**
 * Executions of one ms whose ids end alike have consecutive keys, and a search ends at the first free key (see `writer.ts`). Rows
 * behind a gap would not be found, so another delivery would add them again.
 */
function closeGaps(db: Connection, times: Iterable<number>): void {
  db.function('tail_of', { deterministic: true }, (id) => tailOf(id as Uint8Array));
  const maxTail = 2 ** tailBits - 1;
  const findAway = db.prepare(`
    SELECT seq & ${maxTail} AS tail, tail_of(id) AS home FROM execution_events
    WHERE seq BETWEEN :at << ${tailBits} AND (:at << ${tailBits}) | ${maxTail} AND tail <> home`);
  const isTaken = db.prepare(`SELECT 1 FROM execution_events WHERE seq = (:at << ${tailBits}) | :tail`);
  const move = db.prepare(
    `UPDATE execution_events SET seq = (:at << ${tailBits}) | :to WHERE seq = (:at << ${tailBits}) | :tail`,
  );
  for (const at of times) {
    const away = findAway.all({ at }) as { tail: number; readonly home: number }[];
    // A moved row leaves a gap that a row earlier in the list may be behind, as the last tail is followed by the first.
    for (let moved = true; moved; ) {
      moved = false;
      for (const row of away) {
        let to = row.home;
        while (to !== row.tail && isTaken.get({ at, tail: to }) !== undefined) {
          to = nextTail(to);
        }
        if (to !== row.tail) {
          move.run({ at, to, tail: row.tail });
          row.tail = to;
          moved = true;
        }
      }
    }
  }
}

/** Gives other uses of the name an id of their own: under the old one the roll-ups would still tell what the user did. */
function moveName(db: Connection, id: number, name: string): void {
  // Lines of the log have the old id.
  foldWithin(db);
  const to = addText(db, name);
  for (const [table, columns] of Object.entries({ ...textColumns, run_metrics: ['run'] })) {
    for (const column of columns) {
      db.prepare(`UPDATE ${table} SET ${column} = :to WHERE ${column} = :id`).run({ id, to });
    }
  }
  const [old, key] = [`$."${id}"`, `$."${to}"`];
  db.prepare(`
    UPDATE rollups SET errors = json_remove(json_set(errors, :key, errors -> :old), :old)
    WHERE errors IS NOT NULL AND errors -> :old IS NOT NULL`).run({ old, key });
}

/** Whether it is the name of a skill, tool or the like: these are kept apart from the dictionary. */
function isSubject(db: Connection, name: string): boolean {
  return db.prepare('SELECT 1 FROM subjects WHERE name = ? LIMIT 1').get(name) !== undefined;
}

/** Whether anything that is not erased with the user refers to the id. A dry run gives the same answer. */
function isMeantElsewhere(db: Connection, id: number): boolean {
  // The log before the cells, so that an entry folded in between is not missed.
  if (isInLog(db, id)) {
    return true;
  }
  const inColumns = Object.entries(textColumns).some(([table, columns]) => {
    const kind = kinds.find((kind) => keptTables[kind].table === table);
    const condition = columns.map((column) => `${column} = :id`).join(' OR ');
    const isKept = kind === undefined ? 'TRUE' : `NOT (${isOfUser(kind)})`;
    return db.prepare(`SELECT 1 FROM ${table} WHERE (${condition}) AND ${isKept} LIMIT 1`).get({ id }) !== undefined;
  });
  return inColumns || isErrorType(db, id);
}

/** Whether it is an error type: roll-ups count failures by the id of their type. */
function isErrorType(db: Connection, id: number): boolean {
  const found = db.prepare(
    'SELECT 1 FROM rollups WHERE errors IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(errors) WHERE key = ?) LIMIT 1',
  );
  return found.get(String(id)) !== undefined;
}

/** Whether an entry in the log refers to the id: the cells do not contain these yet. */
function isInLog(db: Connection, id: number): boolean {
  let found = false;
  for (const line of db.prepare('SELECT cells FROM rollup_log').pluck().iterate() as Iterable<Buffer>) {
    readLine(line, ({ org, model, errorType }) => {
      found ||= org === id || model === id || errorType === id;
    });
  }
  return found;
}

/** Makes every process that caches ids of texts read them again (see `writer.ts`). */
function forgetTexts(db: Connection): void {
  db.exec(
    "INSERT INTO floors (name, before) VALUES ('erasures', 1) ON CONFLICT (name) DO UPDATE SET before = before + 1",
  );
}

/** Free pages, and free space within pages, keep old content. Only rebuilding the file removes it. */
function purge(db: Connection, config: DatabaseConfig): boolean {
  try {
    // Applies the overwriting to the file before free pages are cut off.
    truncateLog(db);
    retryBusy(config, () => db.exec('VACUUM'));
    return truncateLog(db, config.busyTimeoutMs);
  } catch {
    return false;
  }
}
