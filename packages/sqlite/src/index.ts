export { sqliteFromEnv } from './env.ts';
export { type SqliteOptions, sqlite } from './sqlite.ts';
