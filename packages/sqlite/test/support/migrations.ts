import type { Migration } from '../../src/migrate.ts';

/** Of statements as they stand. */
export function migration(...statements: string[]): Migration {
  return statements.map((sql) => ({ compile: () => ({ sql }) }));
}

/** Each makes a table and fills it, in several statements that take their time. */
export const slowMigrations: readonly Migration[] = Array.from({ length: 20 }, (_, at) =>
  migration(
    `CREATE TABLE t${at} (value)`,
    `WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t${at} SELECT randomblob(200) FROM n`,
    `CREATE INDEX t${at}_value ON t${at} (value)`,
    `CREATE VIEW v${at} AS SELECT count(*) AS rows FROM t${at}`,
  ),
);
