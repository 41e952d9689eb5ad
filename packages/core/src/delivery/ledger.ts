import type { ErrorCode } from '../errors.ts';
import type { DropReason } from './report.ts';

/** The counts of one backend, except for what is queued, which its sink knows. */
export interface Ledger {
  accepted: number;
  delivered: number;
  retries: number;
  readonly dropped: Record<DropReason, number>;
}

export function createLedger(): Ledger {
  return {
    accepted: 0,
    delivered: 0,
    retries: 0,
    dropped: {
      queue_full: 0,
      invalid: 0,
      too_large: 0,
      sampled: 0,
      rejected: 0,
      send_failed: 0,
      storage_full: 0,
      shutdown_timeout: 0,
      closed: 0,
      callback_error: 0,
    },
  };
}

const reasons: { readonly [C in ErrorCode]?: DropReason } = {
  EVENTS_REJECTED: 'rejected',
  TOO_LARGE: 'too_large',
  STORAGE_FULL: 'storage_full',
};

/** The reason under which a batch lost to an error is counted. */
export function dropReason(code: ErrorCode): DropReason {
  return reasons[code] ?? 'send_failed';
}
