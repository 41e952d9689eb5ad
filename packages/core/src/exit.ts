// One listener for all clients of the process: one for each would make Node warn on stderr from the eleventh client on.
const callbacks = new Set<() => void>();

function runAll(): void {
  for (const callback of callbacks) {
    callback();
  }
}

/** Calls back when the process exits, however it does so by itself. `callback` must not throw. Returns how to take it back. */
export function onExit(callback: () => void): () => void {
  if (callbacks.size === 0) {
    process.on('exit', runAll);
  }
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size === 0) {
      process.off('exit', runAll);
    }
  };
}

/**
 * Calls back on a signal. Where nobody else listens to it, the signal then takes its usual course; otherwise the other
 * listeners decide. Returns how to take it back.
 */
export function onSignals(signals: readonly NodeJS.Signals[], callback: () => void): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    callback();
    process.off(signal, listener);
    if (process.listenerCount(signal) === 0) {
      process.kill(process.pid, signal);
    }
  };
  for (const signal of signals) {
    process.on(signal, listener);
  }
  return () => {
    for (const signal of signals) {
      process.off(signal, listener);
    }
  };
}
