import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A local port on which nothing listens, and which the system gives to nobody else. */
export interface HeldPort {
  readonly port: number;
  release(): void;
}

/**
 * Holds the given port, or a free one. A port that was free a moment ago may already belong to a server of another test. The held
 * one is in use as the local end of a connection: connecting to it is refused but, on Linux, a server can still listen on it.
 */
export async function holdPort(port = 0): Promise<HeldPort> {
  const host = '127.0.0.1';
  const anchor = createServer().listen(0, host);
  await once(anchor, 'listening');
  const holder = connect({
    host,
    port: (anchor.address() as AddressInfo).port,
    localAddress: host,
    ...(port !== 0 && { localPort: port }),
  });
  const [[far]] = (await Promise.all([once(anchor, 'connection'), once(holder, 'connect')])) as [[Socket], unknown];
  far.on('error', () => {});
  anchor.close();
  return {
    port: holder.localPort ?? 0,
    release() {
      // A reset skips TIME_WAIT, during which nothing could listen on the port.
      holder.resetAndDestroy();
      far.destroy();
    },
  };
}
