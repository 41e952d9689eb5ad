type Callback = () => void;
type Ending = 'exit' | NodeJS.Signals;

// One listener for all clients of the process: one for each would make Node warn on stderr from the eleventh client on.
const waiting = new Map<Ending, Set<Callback>>();

/** Tells the listeners of every copy of this package from those of the host. */
const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/signal') as never;
const onSignal: (signal: NodeJS.Signals) => void = Object.assign(runSignal, { [brand]: true });

function runAll(ending: Ending): void {
  for (const callback of waiting.get(ending) ?? []) {
    callback();
  }
}

function runExit(): void {
  runAll('exit');
}

function runSignal(signal: NodeJS.Signals): void {
  runAll(signal);
  // Taken away meanwhile, as others count the listeners to see whether they have to end the process.
  process.off(signal, onSignal);
  if (process.listeners(signal).every((listener) => brand in listener)) {
    process.kill(process.pid, signal);
  }
  // Not every signal ends the process where nobody else listens.
  setImmediate(() => waiting.get(signal)?.size && listen(signal)).unref();
}

function listen(ending: Ending): void {
  if (ending === 'exit') {
    process.on(ending, runExit);
  } else if (!process.listeners(ending).includes(onSignal)) {
    // Before the others: Node has taken those that listen `once` away by the time that they are called.
    process.prependListener(ending, onSignal);
  }
}

/**
 * Calls back when the process ends: however it exits by itself, and on each of the signals. Where nobody else listens to a
 * signal, it then takes its usual course; otherwise the other listeners decide. `callback` must not throw. Returns how to take
 * it back.
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
