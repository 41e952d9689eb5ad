import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A port of this machine on which nobody listens, and which nobody else is given. */
export interface HeldPort {
  readonly port: number;
  release(): void;
}

/**
 * Holds this port, or one that is free. A port that was free a moment ago may belong to a server of another test by now: this one
 * is in use, at the near end of a connection, which refuses whoever connects to it and, on Linux, lets a server listen all the same.
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
      // Without the pause that ends other connections, in which the port could not be listened on.
      holder.resetAndDestroy();
      far.destroy();
    },
  };
}
