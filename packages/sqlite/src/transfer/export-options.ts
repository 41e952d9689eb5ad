import type { Writable } from 'node:stream';
import type { EventType, ExecutionKind } from '@toolweaver/analytics-core';
import type { FileFormat } from './format.ts';

/** Which events are exported, and where to. */
export interface ExportOptions {
  /** The path of the database file, as in the options of `sqlite`. */
  readonly path?: string | undefined;
  /**
   * A path, in which a leading `~` is the home directory, or a stream, which is not ended. A file is created for its owner only,
   * under a temporary name until it is complete, and compressed if its name ends in .gz.
   */
  readonly target: string | Writable;
  /**
   * `jsonl`: a line for each event, which `importEvents` reads back unchanged. `csv`: executions only, with the columns of the
   * view `executions`. Default: by the path's ending (.jsonl, .ndjson or .csv).
   */
  readonly format?: FileFormat | undefined;
  /** Replaces an existing file. Default: false. */
  readonly overwrite?: boolean | undefined;
  /** One or several types of events. Default: all; for CSV, executions. */
  readonly type?: EventType | readonly EventType[] | undefined;
  /** Unix time in ms: `from` is inclusive, `to` is exclusive. Default: all time. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
  /** Exports executions of this kind, and no other events. */
  readonly kind?: ExecutionKind | undefined;
  /** Exports executions of this name, ratings and health scores of a skill of this name, and no other events. */
  readonly name?: string | undefined;
  /** Called every few thousand events, and at the end. A promise is awaited; what it throws or rejects with ends the export. */
  readonly onProgress?: ((progress: ExportProgress) => unknown) | undefined;
  /** Aborts the export, which rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The progress of an export. */
export interface ExportProgress {
  readonly events: number;
  /** Events at the start, or `events` if that is more. */
  readonly total: number;
}

/** What an export wrote. */
export interface ExportReport {
  readonly events: number;
  /** Bytes written, after compression. */
  readonly bytes: number;
}
