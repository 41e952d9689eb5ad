import type { Analytics } from '@toolweaver/analytics-core';
import { configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';
import { bytesOf } from './bytes.ts';
import { checkClient } from './client.ts';
import { createLifecycle } from './lifecycle.ts';
import { checkToolkitOptions, isName, type ToolkitOptions, toolkitOptionNames } from './toolkit-options.ts';
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

export function checkToolkit(field: string, toolkit: unknown): asserts toolkit is object {
  if (typeof toolkit !== 'object' || toolkit === null) {
    throw configError([{ field, message: `must be an object or an array of tools, got ${describeValue(toolkit)}` }]);
  }
}

/** The name under which it is recorded. */
function checkedName(toolkit: unknown, options: TrackToolkitOptions): string {
  checkToolkit('toolkit', toolkit);
  const problems = unknownOptions(options, optionNames);
  const { name = classOf(toolkit), tools } = Object(options) as TrackToolkitOptions;
  if (!isName(name)) {
    problems.push({ field: 'name', message: 'must be given, as the toolkit has no class of its own' });
  }
  /** By its key, or the name that it says itself. */
  const isTool = (tool: unknown): boolean =>
    (isName(tool) && !Array.isArray(toolkit) && tool in toolkit) ||
    Object.values(toolkit).some((value) => nameOf(value) === tool);
  const unknown = Array.isArray(tools) ? tools.filter((tool) => !isTool(tool)) : [tools];
  if (tools !== undefined && unknown.length > 0) {
    const message = `must be an array of names of its tools, got ${unknown.map(describeValue).join(', ')}`;
    problems.push({ field: 'tools', message });
  }
  checkToolkitOptions(options, problems);
  return name as string;
}

function classOf(toolkit: object): string | undefined {
  const { constructor: made } = toolkit;
  return [Object, Array, undefined].includes(made as never) ? undefined : made.name;
}

/** Functions go by their key, tools by the name that they say. */
function nameOf(tool: unknown, key?: string): string {
  const { name } = Object(tool) as { name?: unknown };
  const own = isName(name) ? name : undefined;
  return (typeof tool === 'function' ? (key ?? own) : (own ?? key)) ?? 'anonymous';
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
  const lifecycle = createLifecycle(analytics, options.name, options);

  function wrapCall(call: Call, name: string, input: (args: readonly unknown[]) => readonly unknown[]): Call {
    return analytics.wrapTool(
      call as (...args: never[]) => unknown,
      { kind: 'tool', name, toolkit: options.name, sampleRate, attributes },
      sizes ? (args, result) => ({ inputBytes: sum(input(args)), outputBytes: bytesOf(result) }) : undefined,
    ) as Call;
  }

  /** What stands for a function or a tool; undefined for what is neither. */
  function wrapTool(tool: unknown, key?: string): unknown {
    const name = nameOf(tool, key);
    const isTool = !tools || tools.includes(name) || tools.includes(key as string);
    if (!trackInvocations || !isTool) {
      return undefined;
    }
    if (typeof tool === 'function') {
      return isClass(tool) ? undefined : wrapCall(tool as Call, name, (args) => args);
    }
    const callName = callNames.find((one) => typeof Object(tool)[one] === 'function');
    return (
      callName &&
      viewOf(tool as object, (one, value) => (one === callName ? wrapCall(value as Call, name, inputOf) : undefined))
    );
  }

  function replacement(key: string | symbol, value: unknown): unknown {
    const isTold = tools?.includes(key as string);
    if (!isTold && typeof value === 'function' && endNames.includes(key)) {
      return function (this: unknown, ...args: unknown[]) {
        return lifecycle.during('cleanup', () => Reflect.apply(value, this, args));
      };
    }
    return typeof key === 'string' && (isTold || !isPlumbing(key)) ? wrapTool(value, key) : undefined;
  }

  return Array.isArray(toolkit)
    ? (toolkit.map((tool) => wrapTool(tool) ?? tool) as unknown as T)
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
