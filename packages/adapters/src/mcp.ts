import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Analytics } from '@toolweaver/analytics-core';
import { configError, unknownOptions } from '@toolweaver/analytics-core/backend';
import { bytesOf } from './bytes.ts';

/** The part of an MCP server that is needed here. */
type ProtocolServer = McpServer['server'];

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
 * @throws AnalyticsError `INVALID_CONFIG` where the server has tools already, with every problem of the options.
 */
export function trackMcpServer<S extends McpServer | ProtocolServer>(
  analytics: Analytics,
  server: S,
  options: McpOptions = {},
): S {
  const problems = unknownOptions(options, optionNames);
  const protocol = ('server' in server ? server.server : server) as ProtocolServer;
  try {
    protocol.assertCanSetRequestHandler(callTool);
  } catch {
    problems.push({ field: 'server', message: 'has tools already: call trackMcpServer before you register them' });
  }
  if (problems.length > 0) {
    throw configError(problems);
  }
  const { toolkit, traceContext = false } = options;

  type Handler = (request: unknown, extra: unknown) => unknown;

  function tracked(handler: Handler): Handler {
    return (request, extra) => {
      const { params } = request as { params: CallParams };
      const call = (): unknown =>
        analytics.trackOperation(
          { kind: 'tool', name: params.name, toolkit, inputBytes: bytesOf(params.arguments) },
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

  const setRequestHandler = protocol.setRequestHandler.bind(protocol) as (schema: unknown, handler: Handler) => void;
  protocol.setRequestHandler = ((schema: unknown, handler: Handler) =>
    setRequestHandler(schema, methodOf(schema) === callTool ? tracked(handler) : handler)) as never;
  return server;
}

const callTool = 'tools/call';

interface CallParams {
  readonly name: string;
  readonly arguments?: unknown;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** The method of a request, as its schema (of Zod 3 or 4) says it. */
function methodOf(schema: unknown): unknown {
  const { shape } = Object(schema);
  const { method } = Object(typeof shape === 'function' ? shape() : shape);
  return method?.value ?? method?._def?.value ?? method?._zod?.def?.values?.[0];
}
