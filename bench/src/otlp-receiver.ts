import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface OtlpReceiver {
  readonly url: string;
  /** Returns the number of bytes received since the last call. */
  bytes(): Promise<number>;
  /** The number of data points of the counter of executions in the latest request, which has to be JSON. */
  points(): Promise<number>;
  close(): Promise<void>;
}

/** Starts a receiver that accepts everything, in a thread of its own, so that its work is not measured. */
export async function otlpReceiver(): Promise<OtlpReceiver> {
  const worker = new Worker(program, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const ask = async (what: string): Promise<number> => {
    worker.postMessage(what);
    const [answer] = (await once(worker, 'message')) as [number];
    return answer;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    bytes: () => ask('bytes'),
    points: () => ask('points'),
    async close() {
      await worker.terminate();
    },
  };
}

const program = `
  const { createServer } = require('node:http');
  const { parentPort } = require('node:worker_threads');
  const { gunzipSync } = require('node:zlib');
  let bytes = 0;
  let latest = Buffer.alloc(0);
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      latest = Buffer.concat(chunks);
      bytes += latest.length;
      response.end();
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', (what) => {
    if (what === 'bytes') {
      parentPort.postMessage(bytes);
      bytes = 0;
      return;
    }
    const { resourceMetrics } = JSON.parse(gunzipSync(latest));
    const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics).flatMap((scope) => scope.metrics);
    const { sum } = metrics.find(({ name }) => name === 'toolweaver_skill_executions_total');
    parentPort.postMessage(sum.dataPoints.length);
  });
`;
