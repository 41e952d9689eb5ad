type Ending = 'exit' | NodeJS.Signals;
/** `isLast`: as far as is known, the process is over after this. */
type Callback = (ending: Ending, isLast: boolean) => void;

// One listener for all clients of the process: with one per client, Node would warn on stderr from the eleventh on.
const waiting = new Map<Ending, Set<Callback>>();

/** Marks the listeners of every copy of this package, to tell them from the host's. */
const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/signal') as never;
const onSignal: (signal: NodeJS.Signals) => void = Object.assign(runSignal, { [brand]: true });

function runAll(ending: Ending, isLast: boolean): void {
  for (const callback of waiting.get(ending) ?? []) {
    callback(ending, isLast);
  }
}

function runExit(): void {
  runAll('exit', true);
}

/** Signals that end no process by themselves. */
const harmless: ReadonlySet<NodeJS.Signals> = new Set([
  ...(['SIGCHLD', 'SIGCONT', 'SIGINFO', 'SIGURG', 'SIGWINCH'] as const),
  ...(['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const),
]);

function isAlone(signal: NodeJS.Signals): boolean {
  return process.listeners(signal).every((listener) => brand in listener);
}

function runSignal(signal: NodeJS.Signals): void {
  // The kernel ignores what process 1 does not handle.
  runAll(signal, process.pid !== 1 && isAlone(signal) && !harmless.has(signal));
  // Removed meanwhile: others count the listeners to decide whether they have to end the process.
  process.off(signal, onSignal);
  if (isAlone(signal)) {
    process.kill(process.pid, signal);
  }
  // Listens again, as not every signal ends the process, even if nobody else listens.
  setImmediate(() => waiting.get(signal)?.size && listen(signal)).unref();
}

function listen(ending: Ending): void {
  if (ending === 'exit') {
    process.on(ending, runExit);
  } else if (!process.listeners(ending).includes(onSignal)) {
    // First, to see all other listeners: Node removes those added by `once` before it calls them.
    process.prependListener(ending, onSignal);
  }
}

/**
 * Calls `callback` when the process exits by itself, and on each of the signals. If nobody else listens to a signal, it then
 * takes its usual course; otherwise the other listeners decide. `callback` must not throw. Returns how to unregister it.
 */
export function onEnd(signals: readonly NodeJS.Signals[], callback: Callback): () => void {
  const endings: readonly Ending[] = ['exit', ...signals];
  for (const ending of endings) {
    const callbacks = waiting.get(ending) ?? new Set();
    waiting.set(ending, callbacks);
    if (callbacks.size === 0) {
      listen(ending);
    }
    callbacks.add(callback);
  }
  return () => {
    for (const ending of endings) {
      const callbacks = waiting.get(ending);
      if (callbacks?.delete(callback) && callbacks.size === 0) {
        process.off(ending, ending === 'exit' ? runExit : onSignal);
      }
    }
  };
}
