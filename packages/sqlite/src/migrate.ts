import { type Connection, type DatabaseConfig, transaction } from './database.ts';
import { applicationId } from './identity.ts';

/** One step of the schema: statements, in order. */
export type Migration = readonly { compile(): { readonly sql: string } }[];

/**
 * Brings the schema up to date, or leaves it as it is. Each migration is one transaction, together with its number: whatever
 * ends the process, the schema is that of before or after it. Other processes may try the same at the same time.
 */
export function migrate(db: Connection, config: DatabaseConfig, migrations: readonly Migration[]): void {
  let done = false;
  while (!done) {
    transaction(db, config, () => {
      const version = db.pragma('user_version', { simple: true }) as number;
      const next = migrations[version];
      if (next === undefined) {
        done = true;
        return;
      }
      for (const statement of next) {
        db.exec(statement.compile().sql);
      }
      db.pragma(`application_id = ${applicationId}`);
      db.pragma(`user_version = ${version + 1}`);
    });
  }
}
