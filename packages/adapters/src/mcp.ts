import type { Analytics } from '@toolweaver/analytics-core';
import { checkOptions, type OptionNames } from '@toolweaver/analytics-core/backend';
import { bytesOf, sumOfBytes } from './bytes.ts';
import { checkClient } from './client.ts';

/** The part of a `Server` that is needed here, of version 1 or 2 of the SDK. */
export interface ProtocolServer {
  /** Throws if there is a handler already. */
  assertCanSetRequestHandler(method: string): void;
  /** Takes a schema of the request in version 1, its method in version 2. */
  setRequestHandler: (...args: never[]) => unknown;
}

/** Which toolkit the tools of a server belong to, and whether its clients may name their trace. */
export interface McpOptions {
  /** The toolkit of its tools. Default: none. */
  readonly toolkit?: string | undefined;
  /** Lets requests say, in `_meta`, which trace they belong to: for clients that you trust. Default: false. */
  readonly traceContext?: boolean | undefined;
}

const optionNames: OptionNames<McpOptions> = { toolkit: true, traceContext: true };

/**
 * Records every tool call of an MCP server; to be called once for a server, before or after its tools are registered.
 * A result with `isError` is a failure of type `ToolError`. Returns the server.
 * @throws AnalyticsError `INVALID_CONFIG` if it is not such a server, or one of an unknown version that has tools already; with every
 *   problem of the options.
 */
export function trackMcpServer<S extends ProtocolServer | { readonly server: ProtocolServer }>(
  analytics: Analytics,
  server: S,
  options: McpOptions = {},
): S {
  checkClient(analytics);
  const protocol = (Object(server).server ?? server) as ProtocolServer;
  const { toolkit, traceContext } = checkOptions(options, optionNames, (check, given) => {
    const message = problemOf(protocol);
    if (message !== undefined) {
      check.problem('server', message);
    }
    return {
      toolkit: check.text('toolkit', given.toolkit),
      // The text `false` of an environment variable would count as true, and trust everybody.
      traceContext: check.flag('traceContext', given.traceContext) ?? false,
    };
  });

  function tracked(handler: Handler): Handler {
    return (request, extra) => {
      // With a schema of its parameters, a handler gets only these.
      const { params = request as CallParams } = request as { params?: CallParams };
      const call = (): unknown =>
        analytics.trackOperation(
          { kind: 'tool', name: nameOf(params, server), toolkit, inputBytes: bytesOf(params.arguments) },
          async (operation) => {
            const result = await handler(request, extra);
            const { isError, content, structuredContent } = Object(result) as { readonly [field: string]: unknown };
            operation.set({ outputBytes: sumOfBytes([content, structuredContent]) });
            if (isError === true) {
              operation.fail({ type: 'ToolError' });
            }
            return result;
          },
        );
      return traceContext ? analytics.withTraceContext(params._meta, call) : call();
    };
  }

  const handlers = handlersOf(protocol);
  const early = handlers?.get(callTool);
  if (early !== undefined) {
    handlers?.set(callTool, tracked(early));
  }
  const setRequestHandler = protocol.setRequestHandler.bind(protocol) as (...args: unknown[]) => unknown;
  protocol.setRequestHandler = (...args: unknown[]) => {
    const handler = args.at(-1);
    const isTracked = methodOf(args[0]) === callTool && typeof handler === 'function';
    return setRequestHandler(...(isTracked ? args.with(-1, tracked(handler as Handler)) : args));
  };
  return server;
}

type Handler = (request: unknown, extra: unknown) => unknown;

const callTool = 'tools/call';

function problemOf(server: ProtocolServer): string | undefined {
  if (typeof Object(server).assertCanSetRequestHandler !== 'function') {
    return 'must be an McpServer or a Server of the MCP SDK';
  }
  try {
    server.assertCanSetRequestHandler(callTool);
    return undefined;
  } catch {
    return handlersOf(server)?.has(callTool)
      ? undefined
      : 'has tools already: call trackMcpServer before you register them';
  }
}

/** In both versions a server keeps its handlers in `_requestHandlers`. An `McpServer` with the capability has one from the start. */
function handlersOf(server: ProtocolServer): Map<string, Handler> | undefined {
  const { _requestHandlers: handlers } = server as { _requestHandlers?: unknown };
  return handlers instanceof Map ? handlers : undefined;
}

interface CallParams {
  readonly name: string;
  readonly arguments?: unknown;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** For tools that a server does not have: clients may ask for any number of names, each of which would stay in metrics for good. */
const unknownTool = '(unknown tool)';

/** In both versions an `McpServer` keeps its tools in `_registeredTools`; a `Server` does not say which it has. */
function nameOf({ name }: CallParams, server: object): string {
  const { _registeredTools: tools } = server as { _registeredTools?: object };
  return tools === undefined || Object.hasOwn(tools, name) ? name : unknownTool;
}

/** The method of a request, given as it is or by a schema of Zod 3 or 4. */
function methodOf(schema: unknown): unknown {
  if (typeof schema === 'string') {
    return schema;
  }
  const { shape } = Object(schema);
  const { method } = Object(typeof shape === 'function' ? shape() : shape);
  return method?.value ?? method?._def?.value ?? method?._zod?.def?.values?.[0];
}
