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
        if (method === 'DELETE') {
          groups.delete(path);
        } else if (path !== '/-/ready') {
          groups.set(path, Buffer.concat(chunks).toString());
        }
        response.end();
      });
    })),
    groups,
    requests,
    isBroken: false,
  };
  return gateway;
}
