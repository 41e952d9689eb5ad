import { setImmediate } from 'node:timers/promises';

/** A way in which a program ends, and what can be observed of it. */
export interface Exit {
  readonly way: string;
  readonly signal?: NodeJS.Signals;
  readonly code?: number;
  readonly endsBy?: NodeJS.Signals;
  readonly stderr?: unknown;
}

/** Ends this process in the named way, or by a signal if one is given. With an unknown way it ends by itself. */
export async function endProcess(
  way: string,
  signal: NodeJS.Signals | undefined,
  close: () => Promise<unknown>,
): Promise<void> {
  switch (way) {
    case 'process.exit':
      process.exit(7);
      break;
    case 'throw':
      throw new Error('uncaught');
    case 'throw to a handler':
      process.on('uncaughtException', () => process.exit(3));
      throw new Error('uncaught');
    case 'reject':
      void Promise.reject(new Error('unhandled'));
      break;
    case 'close':
      await close();
      break;
    case 'abort':
      process.abort();
      break;
    case 'exit on signal':
      process.on(signal as NodeJS.Signals, () => process.exit(5));
      break;
    case 'flush on signal and go on':
      process.on(signal as NodeJS.Signals, () => {});
      break;
    default:
  }
  if (signal !== undefined) {
    process.kill(process.pid, signal);
    // Listeners are called when the event loop polls, which it has done for certain after two turns.
    await setImmediate();
    await setImmediate();
  }
}
