export { sqliteFromEnv } from './env.ts';
export { type SqliteBackend, type SqliteOptions, sqlite } from './sqlite.ts';
export type { BackupProgress, BackupReport } from './store/backup.ts';
export type { EraseReport } from './store/erase.ts';
export type { IntegrityReport } from './store/integrity.ts';
export type { RowCounts } from './store/kept.ts';
export type { CompactReport } from './store/maintain.ts';
export type { PruneReport } from './store/prune.ts';
export type { RepriceOptions, RepriceProgress, RepriceReport } from './store/repricing.ts';
export type { StoreStatistics } from './store/statistics.ts';
export type { BackupOptions, EraseOptions, IntegrityOptions, PruneOptions, SqliteStore } from './store/store.ts';
export type { ExportOptions, ExportProgress, ExportReport } from './transfer/export-options.ts';
export type { FileFormat } from './transfer/format.ts';
export type {
  ImportOptions,
  ImportProgress,
  ImportReport,
  ImportSource,
  Rejection,
} from './transfer/import-options.ts';
export { exportEvents, importEvents } from './transfer/transfer.ts';
