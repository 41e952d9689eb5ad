import { checkOptions, type OptionNames, tell } from '@toolweaver/analytics-core/backend';
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
 * Maintenance of an open database. Nothing here blocks the event loop. Events that a client still has queued are not in the
 * database yet: `await analytics.flush()` first.
 *
 * All methods reject with an `AnalyticsError`: `INVALID_CONFIG` for wrong options, `BACKEND_UNAVAILABLE`, `STORAGE_FULL` or
 * `CLOSED`; `reprice()` also with `INTERNAL` when `prices.price()` fails.
 *
 * Where a method says that `close()` waits, SQLite runs a single statement that nothing can interrupt.
 */
export interface SqliteStore {
  /** Deletes oldest first what exceeds the limits, in steps of a few ms; events are written in between. Daily roll-ups stay. */
  prune(options?: PruneOptions): Promise<PruneReport>;
  /**
   * Deletes everything recorded of a user, and every trace of it in the file. Roll-ups stay, as they name nobody. Does not touch
   * copies of the file or files that were set aside. Writes wait meanwhile, about ten seconds for each GB, and so does `close()`.
   */
  erase(options: EraseOptions): Promise<EraseReport>;
  /**
   * Computes costs anew after a correction of prices, for executions whose cost was computed or is unknown. Rows and roll-ups
   * change together, in steps between which events are written. Costs reported by a provider stay.
   */
  reprice(options: RepriceOptions): Promise<RepriceReport>;
  /**
   * Copies the database as it is at the start, without its free pages, to a file that does not exist yet; a leading `~` is the
   * home directory. `close()` waits for it.
   */
  backup(path: string, options?: BackupOptions): Promise<BackupReport>;
  /** Reads the whole file; `close()` waits for it. */
  checkIntegrity(options?: IntegrityOptions): Promise<IntegrityReport>;
  /** Returns current sizes, counts and times. Counts every row, so a large database takes a while; `close()` waits for it. */
  statistics(): Promise<StoreStatistics>;
  /** Returns free pages to the system. Writes wait meanwhile, and so does `close()`. The disk must have room for a copy. */
  compact(): Promise<CompactReport>;
}

/** Limits for one `prune()`, overriding the backend's. */
export interface PruneOptions {
  /** Deletes older events. 0 keeps them. Default: the backend's. */
  readonly retentionDays?: number | undefined;
  /** Deletes the oldest events while the pages in use take more, in bytes. 0: no limit. Default: the backend's. */
  readonly maxBytes?: number | undefined;
  /** Reports what would be deleted, and deletes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

/** Whose events are erased. */
export interface EraseOptions {
  readonly userId: string;
  /** Reports what would be deleted, and deletes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

/** How the progress of a backup is reported. */
export interface BackupOptions {
  /** Called a few times a second. Whatever it throws or rejects with is ignored. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
}

/** How thoroughly the file is checked. */
export interface IntegrityOptions {
  /** Does not compare indexes with their tables: several times faster. Default: false. */
  readonly quick?: boolean | undefined;
}

const pruneNames: OptionNames<PruneOptions> = { retentionDays: true, maxBytes: true, dryRun: true };
const repriceNames: OptionNames<RepriceOptions> = {
  prices: true,
  from: true,
  to: true,
  overrides: true,
  dryRun: true,
  onProgress: true,
};

/** `aside` starts a thread for a long request, so that it delays neither deliveries nor reports. */
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
      // A stopped writer rejects it with `CLOSED`.
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
        check.expect('prices', prices, typeof prices?.price === 'function', 'a price provider');
        const window = checkRange(check, { from, to });
        return {
          prices: prices as RepriceOptions['prices'],
          onProgress: check.callback('onProgress', onProgress),
          from: firstKey(window.from ?? 0),
          to: firstKey(window.to ?? Number.MAX_VALUE),
          sources: check.flag('overrides', overrides) ? (['computed', 'override'] as const) : (['computed'] as const),
          dryRun: check.flag('dryRun', dryRun) ?? false,
        };
      });
      return reprice(ask, repricing);
    },
    async backup(path, options) {
      const { target, onProgress } = checkOptions(options, { onProgress: true }, (check, given) => {
        const target = check.text('path', path ?? '') ?? '';
        const wrong = pathProblem(target);
        if (wrong !== undefined) {
          check.problem('path', wrong);
        }
        return { target, onProgress: check.callback('onProgress', given.onProgress) };
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
