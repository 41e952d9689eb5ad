import type { Analytics } from '@toolweaver/analytics-core';
import { configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';
import { bytesOf } from './bytes.ts';
import { checkClient } from './client.ts';
import { isName } from './toolkit-options.ts';

/** The part of a `Server` that is needed here, of version 1 or 2 of the SDK. */
export interface ProtocolServer {
  /** Throws where there is one. */
  assertCanSetRequestHandler(method: string): void;
  /** By a schema of the request in version 1, by its method in version 2. */
  setRequestHandler: (...args: never[]) => unknown;
}

/** Which toolkit the tools of a server belong to, and whether its clients may name their trace. */
export interface McpOptions {
  /** The toolkit of its tools. Default: none. */
  readonly toolkit?: string | undefined;
  /** Lets requests say, in `_meta`, which trace they belong to: for clients that you trust. Default: false. */
  readonly traceContext?: boolean | undefined;
}

const optionNames = { toolkit: true, traceContext: true } as const satisfies Record<keyof McpOptions, true>;

/**
 * Has every tool call of an MCP server recorded, whatever tools it has or gets: to be called before the first of them is registered.
 * A result with `isError` is a failure of type `ToolError`. Returns the server.
 * @throws AnalyticsError `INVALID_CONFIG` where it is no such server or has tools already, with every problem of the options.
 */
export function trackMcpServer<S extends ProtocolServer | { readonly server: ProtocolServer }>(
  analytics: Analytics,
  server: S,
  options: McpOptions = {},
): S {
  checkClient(analytics);
  const problems = unknownOptions(options, optionNames);
  const protocol = (Object(server).server ?? server) as ProtocolServer;
  const message = problemOf(protocol);
  if (message !== undefined) {
    problems.push({ field: 'server', message });
  }
  const { toolkit, traceContext = false } = Object(options) as McpOptions;
  if (toolkit !== undefined && !isName(toolkit)) {
    problems.push({ field: 'toolkit', message: `must be a name that is not blank, got ${describeValue(toolkit)}` });
  }
  if (typeof traceContext !== 'boolean') {
    // The text `false` of an environment would trust everybody.
    problems.push({ field: 'traceContext', message: `must be true or false, got ${describeValue(traceContext)}` });
  }
  if (problems.length > 0) {
    throw configError(problems);
  }

  type Handler = (request: unknown, extra: unknown) => unknown;

  function tracked(handler: Handler): Handler {
    return (request, extra) => {
      // Where a schema of its parameters was given, these are all there is.
      const { params = request as CallParams } = request as { params?: CallParams };
      const call = (): unknown =>
        analytics.trackOperation(
          { kind: 'tool', name: nameOf(params, server), toolkit, inputBytes: bytesOf(params.arguments) },
          async (operation) => {
            const result = await handler(request, extra);
            const { isError, content } = Object(result) as { isError?: unknown; content?: unknown };
            operation.set({ outputBytes: bytesOf(content) });
            if (isError === true) {
              operation.fail({ type: 'ToolError' });
            }
            return result;
          },
        );
      return traceContext ? analytics.withTraceContext(params._meta, call) : call();
    };
  }

  const setRequestHandler = protocol.setRequestHandler.bind(protocol) as (...args: unknown[]) => unknown;
  protocol.setRequestHandler = (...args: unknown[]) => {
    const handler = args.at(-1);
    const isTracked = methodOf(args[0]) === callTool && typeof handler === 'function';
    return setRequestHandler(...(isTracked ? args.with(-1, tracked(handler as Handler)) : args));
  };
  return server;
}

const callTool = 'tools/call';

function problemOf(server: ProtocolServer): string | undefined {
  if (typeof Object(server).assertCanSetRequestHandler !== 'function') {
    return 'must be an McpServer or a Server of the MCP SDK';
  }
  try {
    server.assertCanSetRequestHandler(callTool);
    return undefined;
  } catch {
    return 'has tools already: call trackMcpServer before you register them';
  }
}

interface CallParams {
  readonly name: string;
  readonly arguments?: unknown;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** Of what a server has not: clients may ask for any number of names, each of which would stay in metrics for good. */
const unknownTool = '(unknown tool)';

/** An `McpServer` keeps its tools there, in both versions; a `Server` has none. */
function nameOf({ name }: CallParams, server: object): string {
  const { _registeredTools: tools } = server as { _registeredTools?: object };
  const names = Object.keys(tools ?? {});
  return names.length === 0 || names.includes(name) ? name : unknownTool;
}

/** The method of a request, as its schema (of Zod 3 or 4) says it, or as it is. */
function methodOf(schema: unknown): unknown {
  if (typeof schema === 'string') {
    return schema;
  }
  const { shape } = Object(schema);
  const { method } = Object(typeof shape === 'function' ? shape() : shape);
  return method?.value ?? method?._def?.value ?? method?._zod?.def?.values?.[0];
}
