import type { Writable } from 'node:stream';
import type { EventType, ExecutionKind } from '@toolweaver/analytics-core';
import type { FileFormat } from './format.ts';

/** Which events are exported, and where to. */
export interface ExportOptions {
  /** The database's file, as in the options of `sqlite`. */
  readonly path?: string | undefined;
  /**
   * A path, in which a leading `~` is the home directory, or a stream, which is not ended. A file is made for its owner alone,
   * under another name until it is whole; an ending .gz has it compressed.
   */
  readonly target: string | Writable;
  /**
   * `jsonl`: a line for each event, which `importEvents` reads back as it was. `csv`: executions only, the columns of the
   * view `executions`. Default: by the path's ending (.jsonl, .ndjson or .csv).
   */
  readonly format?: FileFormat | undefined;
  /** Replaces a file that is there. Default: false. */
  readonly overwrite?: boolean | undefined;
  /** One or several types of events. Default: all, for CSV executions. */
  readonly type?: EventType | readonly EventType[] | undefined;
  /** Unix time in ms: `from` is inside, `to` is not. Default: all time. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
  /** Executions of this kind, and no other events. */
  readonly kind?: ExecutionKind | undefined;
  /** Executions of this name, ratings and health scores of a skill of this name, and no other events. */
  readonly name?: string | undefined;
  /** Told after every few thousand events, and at the end. A promise is waited for; what it throws or rejects with ends the export. */
  readonly onProgress?: ((progress: ExportProgress) => unknown) | undefined;
  /** Ends the export; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How far an export has come. */
export interface ExportProgress {
  readonly events: number;
  /** How many there were at the start. */
  readonly total: number;
}

/** What an export has written. */
export interface ExportReport {
  readonly events: number;
  /** As written: after it was compressed. */
  readonly bytes: number;
}
