import * as successor from '@prometheus-io/client';
import * as original from 'prom-client';

/** prom-client, and what it is called from version 16 on: each with the same classes. */
export const clients: readonly { readonly title: string; readonly client: typeof original }[] = [
  { title: 'prom-client 15', client: original },
  { title: '@prometheus-io/client', client: successor as unknown as typeof original },
];
