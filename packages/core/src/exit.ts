type Callback = () => void;

// One listener for all clients of the process: one for each would make Node warn on stderr from the eleventh client on.
const exits = new Set<Callback>();
const signalled = new Map<NodeJS.Signals, Set<Callback>>();

/** Tells the listeners of every copy of this package from those of the host. */
const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/signal') as never;
const onSignal: (signal: NodeJS.Signals) => void = Object.assign(runSignal, { [brand]: true });

function runExit(): void {
  for (const callback of exits) {
    callback();
  }
}

function runSignal(signal: NodeJS.Signals): void {
  for (const callback of signalled.get(signal) ?? []) {
    callback();
  }
  if (process.listeners(signal).every((listener) => brand in listener)) {
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
  }
}

/** Calls back when the process exits, however it does so by itself. `callback` must not throw. Returns how to take it back. */
export function onExit(callback: Callback): () => void {
  if (exits.size === 0) {
    process.on('exit', runExit);
  }
  exits.add(callback);
  return () => {
    exits.delete(callback);
    if (exits.size === 0) {
      process.off('exit', runExit);
    }
  };
}

/**
 * Calls back on each of the signals. Where nobody else listens to it, the signal then takes its usual course; otherwise the
 * other listeners decide. `callback` must not throw. Returns how to take it back.
 */
export function onSignals(signals: readonly NodeJS.Signals[], callback: Callback): () => void {
  for (const signal of signals) {
    const callbacks = signalled.get(signal) ?? new Set();
    signalled.set(signal, callbacks);
    if (callbacks.size === 0) {
      process.on(signal, onSignal);
    }
    callbacks.add(callback);
  }
  return () => {
    for (const signal of signals) {
      const callbacks = signalled.get(signal);
      if (callbacks?.delete(callback) && callbacks.size === 0) {
        process.off(signal, onSignal);
      }
    }
  };
}
