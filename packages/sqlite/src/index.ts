export { sqliteFromEnv } from './env.ts';
export { type SqliteOptions, sqlite } from './sqlite.ts';
export { type ExportOptions, type ExportProgress, type ExportReport, exportEvents } from './transfer/export.ts';
export type { FileFormat } from './transfer/format.ts';
export { importEvents } from './transfer/import.ts';
export type {
  ImportOptions,
  ImportProgress,
  ImportReport,
  ImportSource,
  Rejection,
} from './transfer/import-options.ts';
