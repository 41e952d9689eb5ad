import type { AnalyticsEvent, Backend } from '../../src/index.ts';

export interface FarSideOptions {
  readonly name?: string;
  /** Default: 10. */
  readonly maxEvents?: number;
  /** Default: 1000. */
  readonly maxDelayMs?: number;
  /** Default: false: nothing can be delivered synchronously. */
  readonly sync?: boolean;
}

/** A queued backend whose other end the test plays. */
export interface FarSide extends Backend {
  /** What the far side holds, in the order of its arrival. */
  readonly held: readonly AnalyticsEvent[];
  /** Every batch that was tried, in order. */
  readonly tried: readonly (readonly AnalyticsEvent[])[];
  /** Every batch given to `writeSync`. */
  readonly triedSync: readonly (readonly AnalyticsEvent[])[];
  /** How often a write began while an earlier one was under way, or after `close`. */
  readonly trespasses: number;
  readonly closes: number;
  /** What the far side says to a batch: returning takes it, throwing or rejecting refuses it. Default: takes all. */
  answer: (batch: readonly AnalyticsEvent[]) => void | Promise<void>;
  /** What `close` does. Default: nothing. */
  release: () => void | Promise<void>;
}

export function farSide({
  name = 'far',
  maxEvents = 10,
  maxDelayMs = 1000,
  sync = false,
}: FarSideOptions = {}): FarSide {
  const held: AnalyticsEvent[] = [];
  const tried: AnalyticsEvent[][] = [];
  const triedSync: AnalyticsEvent[][] = [];
  let underWay = 0;
  let trespasses = 0;
  let closes = 0;

  function take(batch: readonly AnalyticsEvent[]): void {
    const ids = new Set(held.map(({ id }) => id));
    held.push(...batch.filter(({ id }) => !ids.has(id)));
  }

  const side: FarSide = {
    name,
    delivery: { maxEvents, maxDelayMs },
    settings: {},
    held,
    tried,
    triedSync,
    get trespasses() {
      return trespasses;
    },
    get closes() {
      return closes;
    },
    answer() {},
    release() {},
    async write(batch) {
      if (underWay > 0 || closes > 0 || batch.length === 0 || batch.length > maxEvents) {
        trespasses += 1;
      }
      underWay += 1;
      tried.push([...batch]);
      try {
        await side.answer(batch);
        take(batch);
      } finally {
        underWay -= 1;
      }
    },
    close() {
      closes += 1;
      return side.release();
    },
  };
  if (sync) {
    side.writeSync = (batch) => {
      triedSync.push([...batch]);
      take(batch);
    };
  }
  return side;
}

/** A write that hangs until it is let go. */
export interface Hanging {
  readonly answer: () => Promise<void>;
  succeed(): void;
  fail(error: unknown): void;
}

export function hanging(): Hanging {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {});
  return { answer: () => promise, succeed: resolve, fail: reject };
}
