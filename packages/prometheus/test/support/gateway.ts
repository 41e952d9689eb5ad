import { serve, type TestServer } from './serve.ts';

export interface Gateway extends TestServer {
  /** What was pushed last to each group, by its path. */
  readonly groups: ReadonlyMap<string, string>;
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly authorization: string | undefined;
  }[];
  /** From now on it cuts every connection. */
  isBroken: boolean;
  /** Of its answers; it keeps what is pushed only where that is below 300. Default: 200. */
  status: number;
  /** Of its answers, too. */
  headers: Readonly<Record<string, string>>;
}

/** A Pushgateway as far as a client sees it. What a real one makes of the requests is tested with a real one. */
export async function startGateway(): Promise<Gateway> {
  const groups = new Map<string, string>();
  const requests: { method: string; path: string; authorization: string | undefined }[] = [];
  const gateway = {
    ...(await serve((request, response) => {
      if (gateway.isBroken) {
        response.destroy();
        return;
      }
      const { method = '', url: path = '' } = request;
      requests.push({ method, path, authorization: request.headers.authorization });
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (gateway.status >= 300) {
          response.writeHead(gateway.status, gateway.headers).end('the words of the gateway');
          return;
        }
        if (method === 'DELETE') {
          groups.delete(path);
        } else if (path !== '/-/ready') {
          groups.set(path, Buffer.concat(chunks).toString());
        }
        response.writeHead(gateway.status, gateway.headers).end();
      });
    })),
    groups,
    requests,
    isBroken: false,
    status: 200,
    headers: {},
  };
  return gateway;
}
