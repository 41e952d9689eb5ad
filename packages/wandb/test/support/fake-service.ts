import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** 40 characters, as a key has at least. */
export const apiKey: string = `local-${'k3y'.repeat(14).slice(0, 40)}`;

interface StoredRun {
  readonly id: string;
  readonly storageId: string;
  readonly entity: string;
  readonly project: string;
  displayName: string;
  config: Record<string, unknown>;
  tags: readonly string[];
  notes: string | null;
  group: string | null;
  jobType: string | null;
  host: string | null;
  /** Lines by number; a line that is sent again replaces itself. */
  readonly history: string[];
  summary: string | undefined;
  readonly uploaded: string[];
  exitCode: number | undefined;
  readonly files: Map<string, Buffer>;
}

interface StoredArtifact {
  readonly id: string;
  readonly input: Record<string, unknown>;
  state: 'PENDING' | 'COMMITTED';
  readonly files: Map<string, Buffer>;
  manifest: Buffer | undefined;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** Of GraphQL. */
  readonly operation: string | undefined;
  readonly headers: IncomingMessage['headers'];
  /** Parsed where it is JSON. */
  readonly body: unknown;
  readonly at: number;
}

/** What happens instead of the answer: a status with headers and a body, or no answer at all. */
export type Trouble =
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string | Buffer;
      readonly after?: boolean;
    }
  | 'drop'
  /** Takes it, and breaks the connection before the answer. */
  | 'take and drop'
  | 'hang';

export interface FakeService {
  readonly url: string;
  readonly runs: Map<string, StoredRun>;
  readonly artifacts: StoredArtifact[];
  readonly alerts: Record<string, unknown>[];
  readonly requests: SeenRequest[];
  /** What a client did that no client may do. */
  readonly violations: string[];
  /** Consulted for each request, before anything else. */
  trouble: (request: SeenRequest) => Trouble | undefined;
  /** In every answer of the stream. */
  stopped: boolean;
  /** Sent in place of the URL of every upload. */
  uploadUrl: string | null | undefined;
  run(id: string): StoredRun;
  /** Of one kind of request, in order. */
  operations(name: string): SeenRequest[];
  stream(): SeenRequest[];
  breakDown(): Promise<void>;
  repair(): Promise<void>;
  close(): Promise<void>;
}

/** A service on this machine that keeps what it is told in a model, and notes whatever it should not have been told. */
export async function fakeService(): Promise<FakeService> {
  const runs = new Map<string, StoredRun>();
  const artifacts: StoredArtifact[] = [];
  const alerts: Record<string, unknown>[] = [];
  const requests: SeenRequest[] = [];
  const violations: string[] = [];
  const sockets = new Set<Socket>();
  const uploads = new Map<string, (content: Buffer) => void>();
  const expectedMd5 = new Map<string, string>();
  let isBroken = false;
  let ids = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => answer(request, response, Buffer.concat(chunks)));
  });
  server.on('connection', (socket) => {
    if (isBroken) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });

  function answer(request: IncomingMessage, response: ServerResponse, raw: Buffer): void {
    const { method = '', url = '', headers } = request;
    const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const isJson = method === 'POST';
    const body: unknown = isJson ? JSON.parse(bytes.toString('utf8')) : bytes;
    const operation = url === '/graphql' ? operationOf(body as GraphqlBody) : undefined;
    const seen: SeenRequest = { method, path: url, operation, headers, body, at: Date.now() };
    requests.push(seen);
    const trouble = fake.trouble(seen);
    if (trouble === 'drop') {
      request.socket.destroy();
      return;
    }
    if (trouble === 'hang') {
      return;
    }
    if (typeof trouble === 'object' && !trouble.after) {
      response.writeHead(trouble.status, trouble.headers).end(trouble.body ?? '');
      return;
    }
    const reply = handle(method, url, headers, body, operation);
    if (trouble === 'take and drop') {
      request.socket.destroy();
      return;
    }
    if (typeof trouble === 'object') {
      response.writeHead(trouble.status, trouble.headers).end(trouble.body ?? '');
      return;
    }
    response.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(reply.body));
  }

  function handle(
    method: string,
    url: string,
    headers: IncomingMessage['headers'],
    body: unknown,
    operation: string | undefined,
  ): { readonly status: number; readonly body: unknown } {
    if (url.startsWith('/storage/')) {
      return put(method, url, headers, body as Buffer);
    }
    if (headers.authorization !== `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`) {
      return { status: 401, body: { error: 'user is not logged in' } };
    }
    if (operation !== undefined) {
      const { variables } = body as GraphqlBody;
      try {
        return { status: 200, body: { data: graphql(operation, variables) } };
      } catch (error) {
        return { status: 200, body: { data: null, errors: [{ message: (error as Error).message }] } };
      }
    }
    const stream = /^\/files\/([^/]+)\/([^/]+)\/([^/]+)\/file_stream$/.exec(url);
    if (method === 'POST' && stream !== null) {
      const run = runs.get(decodeURIComponent(stream[3] as string));
      if (run === undefined) {
        return { status: 404, body: { error: 'no such run' } };
      }
      takeLines(run, body as StreamBody);
      return { status: 200, body: { exitcode: null, limits: {}, ...(fake.stopped && { stopped: true }) } };
    }
    violations.push(`unknown request: ${method} ${url}`);
    return { status: 404, body: { error: 'no such page' } };
  }

  function put(method: string, url: string, headers: IncomingMessage['headers'], content: Buffer) {
    if (method !== 'PUT' || headers.authorization !== undefined) {
      violations.push(`${method} ${url} with ${headers.authorization === undefined ? 'no ' : ''}authorization`);
    }
    if (headers['content-length'] === undefined) {
      violations.push(`PUT ${url} without a length`);
    }
    const md5 = createHash('md5').update(content).digest('base64');
    const wanted = expectedMd5.get(url);
    if (wanted !== undefined && (wanted !== md5 || headers['content-md5'] !== wanted)) {
      violations.push(`PUT ${url}: MD5 ${md5}, header ${headers['content-md5']}, should be ${wanted}`);
    }
    const take = uploads.get(url);
    if (take === undefined) {
      return { status: 403, body: {} };
    }
    take(content);
    return { status: 200, body: {} };
  }

  function takeLines(run: StoredRun, { files = {}, uploaded = [], complete, exitcode }: StreamBody): void {
    if (run.exitCode !== undefined && Object.keys(files).length === 0 && complete !== true) {
      violations.push(`run ${run.id}: a request after its end`);
    }
    const history = files['wandb-history.jsonl'];
    if (history !== undefined) {
      if (history.offset > run.history.length) {
        violations.push(`run ${run.id}: line ${history.offset} after ${run.history.length}`);
      }
      for (const [at, line] of history.content.entries()) {
        const before = run.history[history.offset + at];
        if (before !== undefined && before !== line) {
          violations.push(`run ${run.id}: line ${history.offset + at} was ${before}, now ${line}`);
        }
        run.history[history.offset + at] = line;
      }
    }
    const summary = files['wandb-summary.json'];
    if (summary !== undefined) {
      if (summary.offset !== 0 || summary.content.length !== 1) {
        violations.push(`run ${run.id}: a summary of ${summary.content.length} lines at ${summary.offset}`);
      }
      run.summary = summary.content[0];
    }
    run.uploaded.push(...uploaded);
    if (complete === true) {
      run.exitCode = exitcode ?? 0;
    }
  }

  function uploadUrl(take: (content: Buffer) => void): string | null {
    if (fake.uploadUrl !== undefined) {
      return fake.uploadUrl;
    }
    ids += 1;
    const path = `/storage/${ids}?signature=x`;
    uploads.set(path, take);
    return `${fake.url}${path}`;
  }

  function graphql(operation: string, variables: Record<string, unknown>): unknown {
    const text = (name: string): string => String(variables[name]);
    switch (operation) {
      case 'Viewer':
        return {
          viewer: {
            id: 'VXNlcjox',
            entity: 'ada',
            username: 'ada',
            email: 'ada@localhost',
            flags: '{}',
            teams: { edges: [] },
          },
        };
      case 'ServerFeaturesQuery':
        return { serverInfo: { features: [] } };
      case 'UpsertBucket':
        return { upsertBucket: upsert(variables) };
      case 'RunResumeStatus':
        return {
          model: {
            id: 'p',
            name: variables['project'],
            entity: { id: 'e', name: 'ada' },
            bucket: bucketOf(runs.get(text('name'))),
          },
        };
      case 'CreateRunFiles': {
        const run = runs.get(text('run'));
        if (run === undefined) {
          throw new Error('run not found');
        }
        const files = (variables['files'] as string[]).map((name) => ({
          name,
          uploadUrl: uploadUrl((content) => run.files.set(name, content)),
        }));
        return { createRunFiles: { runID: run.storageId, uploadHeaders: ['X-Fake: a:b'], files: files.reverse() } };
      }
      case 'CreateArtifact': {
        const input = variables['input'] as Record<string, unknown>;
        const same = artifacts.find(
          (one) =>
            one.state === 'COMMITTED' &&
            one.input['artifactCollectionName'] === input['artifactCollectionName'] &&
            (one.input['digest'] === input['digest'] || one.input['clientID'] === input['clientID']),
        );
        ids += 1;
        const created: StoredArtifact = same ?? {
          id: `artifact-${ids}`,
          input,
          state: 'PENDING',
          files: new Map(),
          manifest: undefined,
        };
        if (same === undefined) {
          artifacts.push(created);
        }
        return {
          createArtifact: {
            artifact: { id: created.id, state: created.state, artifactSequence: { id: 's', latestArtifact: null } },
          },
        };
      }
      case 'CreateArtifactManifest': {
        const artifact = artifactOf(text('artifactID'));
        const url =
          variables['includeUpload'] === true
            ? uploadUrl((content) => {
                artifact.manifest = content;
              })
            : undefined;
        if (url) {
          expectedMd5.set(url.slice(fake.url.length), text('digest'));
        }
        return {
          createArtifactManifest: {
            artifactManifest: {
              id: `manifest-${artifact.id}`,
              file: { id: 'f', uploadUrl: url, uploadHeaders: [`Content-MD5:${text('digest')}`] },
            },
          },
        };
      }
      case 'CreateArtifactFiles': {
        const input = (variables['input'] ?? variables) as {
          artifactFiles: { artifactID: string; name: string; md5: string }[];
        };
        const edges = input.artifactFiles.map(({ artifactID, name, md5 }) => {
          const artifact = artifactOf(artifactID);
          const url = uploadUrl((content) => artifact.files.set(name, content));
          if (url) {
            expectedMd5.set(url.slice(fake.url.length), md5);
          }
          return {
            node: {
              id: name,
              name,
              storagePath: name,
              uploadUrl: url,
              uploadHeaders: [`Content-MD5:${md5}`, 'Content-Type:application/octet-stream'],
              uploadMultipartUrls: null,
              artifact: { id: artifactID },
            },
          };
        });
        return { createArtifactFiles: { files: { edges } } };
      }
      case 'CommitArtifact': {
        const artifact = artifactOf(text('artifactID'));
        if (artifact.manifest === undefined) {
          throw new Error('no manifest');
        }
        artifact.state = 'COMMITTED';
        return { commitArtifact: { artifact: { id: artifact.id, digest: artifact.input['digest'] } } };
      }
      case 'NotifyScriptableRunAlert':
        alerts.push(variables);
        return { notifyScriptableRunAlert: { success: true } };
      case 'ArtifactType':
        return { project: { artifact: null } };
      default:
        // What the official client asks beside, an old server does not know.
        throw new Error(`Cannot query field of ${operation}`);
    }
  }

  function artifactOf(id: string): StoredArtifact {
    const artifact = artifacts.find((one) => one.id === id);
    if (artifact === undefined) {
      throw new Error(`no artifact ${id}`);
    }
    return artifact;
  }

  function upsert(variables: Record<string, unknown>): unknown {
    const id = String(variables['name']);
    let run = runs.get(id);
    const inserted = run === undefined;
    if (run === undefined) {
      run = {
        id,
        storageId: Buffer.from(`Run:v1:${id}:project`).toString('base64'),
        entity: typeof variables['entity'] === 'string' ? variables['entity'] : 'ada',
        project: String(variables['project'] ?? 'uncategorized'),
        displayName: 'fancy-sun-12',
        config: {},
        tags: [],
        notes: null,
        group: null,
        jobType: null,
        host: null,
        history: [],
        summary: undefined,
        uploaded: [],
        exitCode: undefined,
        files: new Map(),
      };
      runs.set(id, run);
    }
    // Whoever goes on with a run that has ended makes it one that is under way.
    run.exitCode = undefined;
    const set = <T>(name: string, before: T): T => (variables[name] as T | null) ?? before;
    run.displayName = set('displayName', run.displayName);
    run.tags = set('tags', run.tags);
    run.notes = set('notes', run.notes);
    run.group = set('groupName', run.group);
    run.jobType = set('jobType', run.jobType);
    run.host = set('host', run.host);
    const config = variables['config'];
    run.config =
      typeof config === 'string' ? JSON.parse(config.replace(/\b(NaN|-?Infinity)\b(?=[,}\]])/g, '"$1"')) : run.config;
    const { storageId, entity, project, displayName, history } = run;
    return {
      inserted,
      bucket: {
        id: storageId,
        name: id,
        displayName,
        description: null,
        config: JSON.stringify(run.config),
        sweepName: null,
        historyLineCount: history.length,
        project: { id: 'p', name: project, entity: { id: 'e', name: entity } },
      },
    };
  }

  function bucketOf(run: StoredRun | undefined): unknown {
    return run === undefined
      ? null
      : {
          id: run.storageId,
          name: run.id,
          displayName: run.displayName,
          summaryMetrics: run.summary ?? '{}',
          config: JSON.stringify(run.config),
          tags: run.tags,
          notes: run.notes,
          historyLineCount: run.history.length,
          eventsLineCount: 0,
          logLineCount: 0,
          historyTail: JSON.stringify(run.history.slice(-1)),
          eventsTail: '[]',
          wandbConfig: JSON.stringify({
            t: (run.config['_wandb'] as { value?: { t?: unknown } } | undefined)?.value?.t ?? undefined,
          }),
        };
  }

  let port = 0;
  const listen = (): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  await listen();

  const fake: FakeService = {
    url: `http://127.0.0.1:${port}`,
    runs,
    artifacts,
    alerts,
    requests,
    violations,
    trouble: () => undefined,
    stopped: false,
    uploadUrl: undefined,
    run(id) {
      const run = runs.get(id);
      if (run === undefined) {
        throw new Error(`the service has no run ${id}; it has ${[...runs.keys()].join(', ')}`);
      }
      return run;
    },
    operations: (name) => requests.filter(({ operation }) => operation === name),
    stream: () => requests.filter(({ path }) => path.endsWith('/file_stream')),
    async breakDown() {
      isBroken = true;
      for (const socket of sockets) {
        socket.destroy();
      }
    },
    async repair() {
      isBroken = false;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return fake;
}

interface GraphqlBody {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables: Record<string, unknown>;
}

interface StreamBody {
  readonly files?: Readonly<Record<string, { readonly offset: number; readonly content: readonly string[] }>>;
  readonly uploaded?: readonly string[];
  readonly complete?: boolean;
  readonly exitcode?: number;
}

function operationOf({ operationName, query }: GraphqlBody): string {
  return operationName ?? /(?:query|mutation)\s+(\w+)/.exec(query)?.[1] ?? 'unnamed';
}
