import { type Connection, type DatabaseConfig, transaction } from './database.ts';
import { applicationId } from './identity.ts';

/** One step of the schema: statements, in order. */
export type Migration = readonly { compile(): { readonly sql: string } }[];

/**
 * Brings the schema up to date. Each migration is one transaction that also sets its number, so a crash leaves the schema as
 * before or after it. Other processes may run this at the same time.
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
