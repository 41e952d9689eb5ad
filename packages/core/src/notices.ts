import type { ClientFigures } from './backend.ts';
import { tell } from './delivery/reporter.ts';
import type { AnalyticsError } from './errors.ts';

/** Where a backend reports problems that no method call can report. */
export interface Notices {
  /** Passes a problem on; never throws. */
  report(notice: AnalyticsError): void;
  /** For the backend's own `attach` to call. */
  attach(client: ClientFigures): void;
}

/** The most notices kept for a client; a backend used without one is never attached. */
const maxEarly = 10;

/** Reports to `onNotice`; without one, to the `onError` of the client, which gets what was reported before it was there, too. */
export function createNotices(onNotice: ((notice: AnalyticsError) => unknown) | undefined): Notices {
  const early: AnalyticsError[] = [];
  let listener = onNotice;
  return {
    report(notice) {
      if (listener !== undefined) {
        tell(listener, notice);
      } else if (early.length < maxEarly) {
        early.push(notice);
      }
    },
    attach(client) {
      listener ??= client.report;
      for (const notice of early.splice(0)) {
        tell(listener, notice);
      }
    },
  };
}
