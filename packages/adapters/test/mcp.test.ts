import { Client as NextClient, InMemoryTransport as NextTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { McpServer as NextMcpServer, Server as NextServer } from '@modelcontextprotocol/server';
import { type McpOptions, trackMcpServer } from '@toolweaver/analytics-adapters/mcp';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { elapse, type Rig, rig } from './rig.ts';

const info = { name: 'tests', version: '1.0.0' };

async function clientOf(server: Pick<Server, 'connect' | 'close'>): Promise<Client> {
  const client = new Client(info);
  await connect(server, client, InMemoryTransport.createLinkedPair());
  return client;
}

/** The same by version 2 of the SDK. */
async function nextClientOf(server: Pick<NextServer, 'connect' | 'close'>): Promise<NextClient> {
  const client = new NextClient(info);
  await connect(server, client, NextTransport.createLinkedPair());
  return client;
}

interface End<T> {
  connect(transport: T): Promise<void>;
  close(): Promise<void>;
}

async function connect<T>(server: End<T>, client: End<T>, [here, there]: readonly [T, T]): Promise<void> {
  await Promise.all([server.connect(there), client.connect(here)]);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
}

function mcpServer({ analytics }: Rig, options?: McpOptions): McpServer {
  const server = trackMcpServer(analytics, new McpServer(info), options);
  server.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => {
    await elapse(5);
    analytics.recordLlmCall({ model: 'inner', success: true });
    return { content: [{ type: 'text', text: String(a + b) }] };
  });
  server.registerTool('fail', {}, () => {
    throw new Error('mine');
  });
  return server;
}

test('structured content counts as output, too', async () => {
  const made = rig();
  const server = trackMcpServer(made.analytics, new McpServer(info));
  const structuredContent = { city: 'Rome' };
  server.registerTool('where', {}, () => ({ content: [], structuredContent }));
  await (await clientOf(server)).callTool({ name: 'where' });
  expect((await made.executions())[0]?.outputBytes).toBe('[]{"city":"Rome"}'.length);
});

test('every call of a tool is timed, and what is recorded in it is in it', async () => {
  const made = rig();
  const client = await clientOf(mcpServer(made, { toolkit: 'math' }));
  await client.listTools();
  const { content } = await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } });
  expect(content).toEqual([{ type: 'text', text: '3' }]);
  expect(await made.paths()).toEqual(['tool add > llm inner', 'tool add']);
  const tool = (await made.executions()).at(-1);
  expect(tool).toMatchObject({ success: true, toolkit: 'math', inputBytes: 13, outputBytes: 28, runId: undefined });
  expect(tool?.latencyMs).toBeGreaterThan(3);
});

test('a tool that throws, one that is called wrongly, and one that is not there are failures', async () => {
  const made = rig();
  const client = await clientOf(mcpServer(made));
  for (const call of [{ name: 'fail' }, { name: 'add', arguments: { a: 'x' } }, { name: 'none' }]) {
    expect((await client.callTool(call)).isError).toBe(true);
  }
  expect((await made.executions()).map(({ name, success, error }) => [name, success, error])).toEqual([
    ['fail', false, { type: 'ToolError' }],
    ['add', false, { type: 'ToolError' }],
    ['(unknown tool)', false, { type: 'ToolError' }],
  ]);
});

test('of a server whose tools are all gone, no name that a client asks for is kept', async () => {
  const made = rig();
  const server = trackMcpServer(made.analytics, new McpServer(info));
  server.registerTool('short', {}, () => ({ content: [] })).remove();
  const client = await clientOf(server);
  const nextServer = trackMcpServer(made.analytics, new NextMcpServer(info));
  nextServer.registerTool('short', {}, () => ({ content: [] })).remove();
  const nextClient = await nextClientOf(nextServer);
  for (const name of ['short', 'constructor']) {
    expect((await client.callTool({ name })).isError).toBe(true);
    await expect(nextClient.callTool({ name })).rejects.toThrow();
  }
  expect((await made.executions()).map(({ name }) => name)).toEqual(Array.from({ length: 4 }, () => '(unknown tool)'));
});

test('a server of the lower level is tracked, too; what its handler throws goes on', async () => {
  const made = rig();
  const server = trackMcpServer(made.analytics, new Server(info, { capabilities: { tools: {} } }));
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    if (params.name === 'throws') {
      throw new RangeError('mine');
    }
    return { content: [{ type: 'text', text: params.name }] };
  });
  const client = await clientOf(server);
  expect((await client.listTools()).tools).toEqual([]);
  expect((await client.callTool({ name: 'echo' })).content).toEqual([{ type: 'text', text: 'echo' }]);
  await expect(client.callTool({ name: 'throws' })).rejects.toThrow('mine');
  expect((await made.executions()).map(({ name, error }) => [name, error?.type])).toEqual([
    ['echo', undefined],
    ['throws', 'RangeError'],
  ]);
});

test.each([
  [true, 'the run of the client'],
  [false, undefined],
])('with traceContext %s belongs to %s', async (traceContext, runId) => {
  const [here, there] = [rig(), rig()];
  const client = await clientOf(mcpServer(there, { traceContext }));
  await here.analytics.trackRun({ id: 'the run of the client' }, () =>
    here.analytics.trackOperation({ kind: 'agent', name: 'caller' }, () =>
      client.callTool({ name: 'add', arguments: { a: 1, b: 2 }, _meta: { ...here.analytics.traceContext() } }),
    ),
  );
  const [caller] = await here.executions();
  const called = (await there.executions()).at(-1);
  expect(called).toMatchObject({ name: 'add', runId, parentId: traceContext ? caller?.id : undefined });
});

test('calls of a server of version 2 of the SDK are recorded as those of version 1', async () => {
  const made = rig();
  const server = trackMcpServer(made.analytics, new NextMcpServer(info), { toolkit: 'math' });
  server.registerTool('add', { inputSchema: z.object({ a: z.number(), b: z.number() }) }, async ({ a, b }) => {
    made.analytics.recordLlmCall({ model: 'inner', success: true });
    return { content: [{ type: 'text', text: String(a + b) }] };
  });
  server.registerTool('fail', {}, () => {
    throw new Error('mine');
  });
  const client = await nextClientOf(server);
  const { tools } = await client.listTools();
  expect(tools).toHaveLength(2);
  const { content } = await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } });
  expect(content).toEqual([{ type: 'text', text: '3' }]);
  expect(await client.callTool({ name: 'fail' })).toMatchObject({ isError: true });
  await expect(client.callTool({ name: 'none' })).rejects.toThrow('not found');
  expect(await made.paths()).toEqual(['tool add > llm inner', 'tool add', 'tool fail', 'tool (unknown tool)']);
  expect((await made.executions()).at(-2)).toMatchObject({
    success: false,
    error: { type: 'ToolError' },
    toolkit: 'math',
  });
});

test('methods of its own keep their handlers, and so do calls with a schema of their parameters, in version 2', async () => {
  const made = rig();
  const server = trackMcpServer(made.analytics, new NextServer(info, { capabilities: { tools: {} } }));
  server.setRequestHandler('acme/own', { params: z.object({ of: z.string() }) }, ({ of }) => ({ answer: of }));
  server.setRequestHandler('tools/call', ({ params }) => ({ content: [], isError: params.name === 'refuses' }));
  const client = await nextClientOf(server);
  const answer = z.object({ answer: z.string() });
  expect(await client.request({ method: 'acme/own', params: { of: 'ada' } }, answer)).toMatchObject({ answer: 'ada' });
  await client.callTool({ name: 'echo' });
  await client.callTool({ name: 'refuses' });
  expect((await made.executions()).map(({ name, success }) => [name, success])).toEqual([
    ['echo', true],
    ['refuses', false],
  ]);
});

test.each([undefined, { capabilities: { tools: {} } }])(
  'tools of a server may come first, with %j',
  async (options) => {
    const made = rig();
    const server = new McpServer(info, options);
    server.registerTool('early', { inputSchema: { a: z.number() } }, ({ a }) => ({
      content: [{ type: 'text', text: String(a) }],
    }));
    trackMcpServer(made.analytics, server, { toolkit: 'v1' }).registerTool('late', {}, () => ({ content: [] }));
    const nextServer = new NextMcpServer(info, options);
    nextServer.registerTool('early', { inputSchema: z.object({ a: z.number() }) }, ({ a }) => ({
      content: [{ type: 'text', text: String(a) }],
    }));
    trackMcpServer(made.analytics, nextServer, { toolkit: 'v2' }).registerTool('late', {}, () => ({ content: [] }));
    for (const client of [await clientOf(server), await nextClientOf(nextServer)]) {
      const { content } = await client.callTool({ name: 'early', arguments: { a: 7 } });
      expect(content).toEqual([{ type: 'text', text: '7' }]);
      await client.callTool({ name: 'late' });
    }
    expect((await made.executions()).map(({ name, toolkit }) => [name, toolkit])).toEqual([
      ['early', 'v1'],
      ['late', 'v1'],
      ['early', 'v2'],
      ['late', 'v2'],
    ]);
  },
);

test('a server with the capability and no tools yet is tracked', async () => {
  const made = rig();
  const options = { capabilities: { tools: {} } };
  const server = trackMcpServer(made.analytics, new McpServer(info, options));
  const nextServer = trackMcpServer(made.analytics, new NextMcpServer(info, options));
  server.registerTool('first', {}, () => ({ content: [] }));
  nextServer.registerTool('second', {}, () => ({ content: [] }));
  await (await clientOf(server)).callTool({ name: 'first' });
  await (await nextClientOf(nextServer)).callTool({ name: 'second' });
  expect((await made.executions()).map(({ name }) => name)).toEqual(['first', 'second']);
});

test('a server that has tools already and does not show their handler is refused', () => {
  const server = {
    assertCanSetRequestHandler() {
      throw new Error('there is one');
    },
    setRequestHandler() {},
  };
  const { analytics } = rig();
  expect(() => trackMcpServer(analytics, server)).toThrow('server: has tools already: call trackMcpServer before');
  expect(() => trackMcpServer(analytics, server, { tookit: 'a' } as McpOptions)).toThrow(/2 problems.*tookit.*server/s);
});

test.each([undefined, null, {}, 'server'])('what is no server is refused as such: %j', (server) => {
  expect(() => trackMcpServer(rig().analytics, server as never)).toThrow('server: must be an McpServer or a Server');
});

test.each([
  [{ tookit: 'math' }, 'tookit: is not an option; the options are toolkit, traceContext'],
  [null, 'options: must be an object, got null'],
  // As a text of the environment is: it would trust every client.
  [{ traceContext: 'false' }, 'traceContext: must be true or false, got "false"'],
  [{ toolkit: ' ' }, 'toolkit: must be a non-blank string, got " "'],
  [{ toolkit: 5, traceContext: 1 }, '2 problems'],
])('refuses %j, and leaves the server as it was', async (options, message) => {
  const made = rig();
  const server = new McpServer(info);
  expect(() => trackMcpServer(made.analytics, server, options as McpOptions)).toThrow(message);
  server.registerTool('untracked', {}, () => ({ content: [] }));
  await (await clientOf(server)).callTool({ name: 'untracked' });
  expect(await made.executions()).toEqual([]);
});

test.each([
  ['Zod 4', z.object({ method: z.literal('tools/call') })],
  ['Zod 3', z3.object({ method: z3.literal('tools/call') })],
  ['the core of Zod 4', { shape: { method: { _zod: { def: { values: ['tools/call'] } } } } }],
  ['Zod 3, whose shape is a function', { shape: () => ({ method: { _def: { value: 'tools/call' } } }) }],
  ['its name', 'tools/call'],
])('a handler that is set by %s is tracked', async (_, method) => {
  const made = rig();
  const handlers: ((request: unknown) => unknown)[] = [];
  const server = trackMcpServer(made.analytics, {
    assertCanSetRequestHandler() {},
    setRequestHandler(...args: unknown[]) {
      handlers.push(args.at(-1) as (request: unknown) => unknown);
    },
  });
  server.setRequestHandler(method, () => ({ content: [] }));
  server.setRequestHandler('tools/call', z.object({}), () => ({ content: [] }));
  await handlers[0]?.({ method: 'tools/call', params: { name: 'echo' } });
  // Where the parameters have a schema, they come alone.
  await handlers[1]?.({ name: 'shout' });
  expect(await made.executions()).toMatchObject([{ name: 'echo' }, { name: 'shout' }]);
});
