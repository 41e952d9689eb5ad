import type { Analytics, SubjectDetails } from '@toolweaver/analytics-core';
import { configError, unknownOptions } from '@toolweaver/analytics-core/backend';
import { bytesOf } from './bytes.ts';
import { checkClient } from './client.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { checkToolkitOptions, type ToolkitOptions, toolkitOptionNames } from './toolkit-options.ts';
import { viewOf } from './view.ts';

/** What a toolkit is called, which of its functions are tools, and what is recorded of them. */
export interface TrackToolkitOptions extends ToolkitOptions {
  /** Default: the name of its class; to be given where it has none of its own. */
  readonly name?: string | undefined;
  /** The names of its tools. Default: every function but those below `_`, those that all objects have, and those that end it. */
  readonly tools?: readonly string[] | undefined;
}

const optionNames = { ...toolkitOptionNames, name: true, tools: true } as const satisfies Record<
  keyof TrackToolkitOptions,
  true
>;

type Call = (...args: unknown[]) => unknown;

/**
 * A toolkit that does what the given one does, and records each call of its tools: of an object or an array of functions, of tools
 * (`{ name, execute }`, as MCP, the AI SDK and others have them, also with `handler`, `invoke`, `call`, `run` or `func`), or of
 * both. The given one does not change. Records that it was created, taking the time that this took, and its end where one of
 * `cleanup`, `close`, `dispose` or the symbols of `using` is called.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function trackToolkit<T extends object>(analytics: Analytics, toolkit: T, options: TrackToolkitOptions = {}): T {
  checkClient(analytics);
  const name = checkedName(toolkit, options);
  return createLifecycle(analytics, name, options).during('create', () =>
    wrapToolkit(analytics, toolkit, { ...options, name }),
  );
}

/** The name under which it is recorded. */
function checkedName(toolkit: unknown, options: TrackToolkitOptions): string {
  if (typeof toolkit !== 'object' || toolkit === null) {
    throw configError([{ field: 'toolkit', message: 'must be an object or an array of tools' }]);
  }
  const problems = unknownOptions(options, optionNames);
  const { name = classOf(toolkit), tools } = Object(options) as TrackToolkitOptions;
  if (typeof name !== 'string' || name.trim() === '') {
    problems.push({ field: 'name', message: 'must be given, as the toolkit has no class of its own' });
  }
  if (tools !== undefined && !(Array.isArray(tools) && tools.every((tool) => typeof tool === 'string'))) {
    problems.push({ field: 'tools', message: 'must be an array of names' });
  }
  checkToolkitOptions(options, problems);
  return name as string;
}

function classOf(toolkit: object): string | undefined {
  const { constructor: made } = toolkit;
  return [Object, Array, undefined].includes(made as never) ? undefined : made.name;
}

/** What of a tool that is an object is called, the first that there is. */
const callNames = ['execute', 'handler', 'invoke', 'call', 'run', 'func'] as const;
export const endNames: readonly (string | symbol)[] = [
  Symbol.asyncDispose,
  Symbol.dispose,
  'cleanup',
  'close',
  'dispose',
];

/** As `trackToolkit`, but for the check of the options and that it was created. */
export function wrapToolkit<T extends object>(
  analytics: Analytics,
  toolkit: T,
  options: TrackToolkitOptions & { readonly name: string },
): T {
  const { enabled = true, trackInvocations = true, sampleRate, sizes = true, attributes, tools } = options;
  if (!enabled) {
    return toolkit;
  }
  const lifecycle: Lifecycle = createLifecycle(analytics, options.name, options);

  function wrapCall(call: Call, name: string, input: (args: readonly unknown[]) => readonly unknown[]): Call {
    const subject: SubjectDetails = {
      kind: 'tool',
      name,
      toolkit: options.name,
      ...(sampleRate !== undefined && { sampleRate }),
      ...(attributes !== undefined && { attributes }),
    };
    return analytics.wrapTool(
      call as (...args: never[]) => unknown,
      subject,
      sizes ? (args, result) => ({ inputBytes: sum(input(args)), outputBytes: bytesOf(result) }) : undefined,
    ) as Call;
  }

  /** What stands for a function or a tool; undefined for what is neither. */
  function wrapTool(tool: unknown, key: string | undefined): unknown {
    if (typeof tool === 'function') {
      const name = key ?? (tool.name === '' ? 'anonymous' : tool.name);
      return isTool(name) && !isClass(tool) ? wrapCall(tool as Call, name, (args) => args) : undefined;
    }
    if (typeof tool !== 'object' || tool === null) {
      return undefined;
    }
    const { name: own } = tool as { name?: unknown };
    const name = typeof own === 'string' && own.trim() !== '' ? own : (key ?? 'anonymous');
    const callName = callNames.find((one) => typeof Reflect.get(tool, one) === 'function');
    if (callName === undefined || !isTool(name)) {
      return undefined;
    }
    const wrapped = (call: Call): Call => wrapCall(call, name, inputOf);
    return viewOf(tool, (one, value) => (one === callName ? wrapped(value as Call) : undefined));
  }

  function isTool(name: string): boolean {
    return trackInvocations && (tools === undefined || tools.includes(name));
  }

  function replacement(key: string | symbol, value: unknown): unknown {
    if (typeof key === 'string' && tools?.includes(key)) {
      return wrapTool(value, key);
    }
    if (typeof value === 'function' && endNames.includes(key)) {
      return function (this: unknown, ...args: unknown[]) {
        return lifecycle.during('cleanup', () => Reflect.apply(value, this, args));
      };
    }
    return typeof key === 'symbol' || isPlumbing(key) ? undefined : wrapTool(value, key);
  }

  return Array.isArray(toolkit)
    ? (toolkit.map((tool) => wrapTool(tool, undefined) ?? tool) as unknown as T)
    : viewOf(toolkit, replacement);
}

function isPlumbing(key: string): boolean {
  return key.startsWith('_') || key === 'then' || key === 'toJSON' || key in Object.prototype;
}

/** Of what has a size; undefined where nothing has. */
function sum(values: readonly unknown[]): number | undefined {
  const sizes = values.map(bytesOf).filter((size) => size !== undefined);
  return sizes.length === 0 && values.length > 0 ? undefined : sizes.reduce((total, size) => total + size, 0);
}

/** What follows it are things of the caller's, a signal or the messages so far; OpenAI Agents have theirs before it. */
function inputOf([first, second]: readonly unknown[]): readonly unknown[] {
  return typeof second === 'string' && typeof first === 'object' ? [second] : [first];
}

/** Called without `new` it throws, so it is no tool. */
function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
