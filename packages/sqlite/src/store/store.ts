import { tell } from '@toolweaver/analytics-core/backend';
import { checkOptions, type Names } from '../check.ts';
import { pathProblem } from '../path.ts';
import type { Maintenance } from '../protocol.ts';
import { checkId, checkRange } from '../reader/options.ts';
import { firstKey } from '../sequence.ts';
import type { Thread } from '../thread.ts';
import { type BackupProgress, type BackupReport, writeBackup } from './backup.ts';
import type { EraseReport } from './erase.ts';
import type { IntegrityReport } from './integrity.ts';
import type { CompactReport } from './maintain.ts';
import type { PruneReport } from './prune.ts';
import { type RepriceOptions, type RepriceReport, reprice } from './repricing.ts';
import { checkLimits, type Limits, limitsPlan } from './retention.ts';
import type { Size } from './size.ts';
import type { StoreStatistics } from './statistics.ts';

/**
 * Maintenance of a database that is open. Nothing here holds up the event loop. What a client still has queued is not in the
 * database yet: `await analytics.flush()` first.
 *
 * All methods reject with an `AnalyticsError`: `INVALID_CONFIG` for wrong options, `BACKEND_UNAVAILABLE`, `STORAGE_FULL` or
 * `CLOSED`; `reprice()` also with `INTERNAL` where `prices.price()` fails.
 *
 * Where it says that `close()` waits, SQLite is at a single statement, which nothing interrupts.
 */
export interface SqliteStore {
  /** Deletes what is over the limits, oldest first, in steps of a few ms between which events are written. Roll-ups stay. */
  prune(options?: PruneOptions): Promise<PruneReport>;
  /**
   * Deletes everything recorded of a user, and every trace of it in the file; the roll-ups, which name nobody, stay. Copies of
   * the file, and ones that were set aside, are not touched. Events wait meanwhile, about ten seconds for each GB, and so does `close()`.
   */
  erase(options: EraseOptions): Promise<EraseReport>;
  /**
   * Asks anew for the prices of executions whose cost was computed or is unknown, after a correction of prices; rows and roll-ups
   * change together, in steps between which events are written. Costs that a provider has said stay.
   */
  reprice(options: RepriceOptions): Promise<RepriceReport>;
  /**
   * Copies the database, without its free pages, to a file that is not there yet; a leading `~` is the home directory. Its content is that of the start.
   * `close()` waits for it.
   */
  backup(path: string, options?: BackupOptions): Promise<BackupReport>;
  /** Reads the whole file; `close()` waits for it. */
  checkIntegrity(options?: IntegrityOptions): Promise<IntegrityReport>;
  /** Sizes, counts and times as they are now. Counts every row, so a large database takes a while; `close()` waits for it. */
  statistics(): Promise<StoreStatistics>;
  /** Returns free pages to the system. Events wait meanwhile, and so does `close()`; the disk must have room for a copy. */
  compact(): Promise<CompactReport>;
}

/** Limits for one `prune()`, in place of the backend's. */
export interface PruneOptions {
  /** Events that are older go. 0 keeps them. Default: the backend's. */
  readonly retentionDays?: number | undefined;
  /** While pages in use take more, the oldest events go. 0: no limit. Default: the backend's. */
  readonly maxBytes?: number | undefined;
  /** Says what would go, and deletes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

/** Whose events are erased. */
export interface EraseOptions {
  readonly userId: string;
  /** Says what would go, and deletes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

/** Who is told how far a backup has come. */
export interface BackupOptions {
  /** Told a few times a second. What it throws is ignored. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
}

/** How thoroughly the file is checked. */
export interface IntegrityOptions {
  /** Leaves out whether indexes say the same as their tables: several times faster. Default: false. */
  readonly quick?: boolean | undefined;
}

const pruneNames: Names<PruneOptions> = { retentionDays: true, maxBytes: true, dryRun: true };
const repriceNames: Names<RepriceOptions> = {
  prices: true,
  from: true,
  to: true,
  overrides: true,
  dryRun: true,
  onProgress: true,
};

/** `aside` starts a thread for a long question, so that it holds up neither deliveries nor reports. */
export function createStore(
  writer: Thread,
  limits: Limits,
  aside: () => Thread,
): SqliteStore & { close(): Promise<void> } {
  const open = new Set<Thread>();
  let closed = false;
  const ask = (request: Maintenance): Promise<unknown> => writer.call(request, { hold: true });

  async function askAside(request: Maintenance): Promise<unknown> {
    if (closed) {
      // It says so itself.
      return ask(request);
    }
    const thread = aside();
    open.add(thread);
    try {
      return await thread.call(request, { hold: true });
    } finally {
      open.delete(thread);
      await thread.stop();
    }
  }

  return {
    async prune(options) {
      const { plan, dryRun } = checkOptions(options, pruneNames, (check, given) => {
        const { retentionDays = limits.retentionDays, maxBytes = limits.maxBytes, dryRun } = given;
        const wanted = checkLimits(check, { retentionDays, maxBytes });
        return { plan: limitsPlan(wanted, Date.now()), dryRun: check.flag('dryRun', dryRun) ?? false };
      });
      const report = dryRun ? await askAside({ op: 'estimatePrune', plan }) : await ask({ op: 'prune', plan });
      return report as PruneReport;
    },
    async erase(options) {
      const { userId, dryRun } = checkOptions(options, { userId: true, dryRun: true }, (check, given) => ({
        userId: checkId(check, 'userId', given.userId),
        dryRun: check.flag('dryRun', given.dryRun) ?? false,
      }));
      const report = dryRun ? await askAside({ op: 'estimateErase', userId }) : await ask({ op: 'erase', userId });
      return report as EraseReport;
    },
    async reprice(options) {
      const repricing = checkOptions(options, repriceNames, (check, given) => {
        const { prices, from, to, overrides, dryRun, onProgress } = given;
        if (typeof prices?.price !== 'function') {
          check.wrong('prices', `must be a price provider, got ${typeof prices}`);
        }
        if (onProgress !== undefined && typeof onProgress !== 'function') {
          check.wrong('onProgress', `must be a function, got ${typeof onProgress}`);
        }
        const window = checkRange(check, { from, to }, '');
        return {
          prices: prices as RepriceOptions['prices'],
          onProgress,
          from: firstKey(window.from ?? 0),
          to: firstKey(window.to ?? Number.MAX_VALUE),
          sources: check.flag('overrides', overrides) ? (['computed', 'override'] as const) : (['computed'] as const),
          dryRun: check.flag('dryRun', dryRun) ?? false,
        };
      });
      return reprice(ask, repricing);
    },
    async backup(path, options) {
      const { target, onProgress } = checkOptions(options, { onProgress: true }, (check, { onProgress }) => {
        if (onProgress !== undefined && typeof onProgress !== 'function') {
          check.wrong('onProgress', `must be a function, got ${typeof onProgress}`);
        }
        const given = check.text('path', path ?? '') ?? '';
        const wrong = pathProblem(given);
        if (wrong !== undefined) {
          check.wrong('path', wrong);
        }
        return { target: given, onProgress };
      });
      const { usedBytes } = (await ask({ op: 'size' })) as Size;
      const copy = async (to: string): Promise<void> => void (await askAside({ op: 'copy', to }));
      return writeBackup(
        target,
        copy,
        onProgress &&
          ((written) => tell(onProgress, { writtenBytes: Math.min(written, usedBytes), totalBytes: usedBytes })),
      );
    },
    async checkIntegrity(options) {
      const quick = checkOptions(options, { quick: true }, (check, given) => check.flag('quick', given.quick) ?? false);
      return (await askAside({ op: 'integrity', quick })) as IntegrityReport;
    },
    async statistics() {
      return (await askAside({ op: 'statistics' })) as StoreStatistics;
    },
    async compact() {
      return (await ask({ op: 'compact' })) as CompactReport;
    },
    async close() {
      closed = true;
      await Promise.all([...open].map((thread) => thread.stop()));
    },
  };
}
