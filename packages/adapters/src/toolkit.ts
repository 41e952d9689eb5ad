import { types } from 'node:util';
import type { Analytics } from '@toolweaver/analytics-core';
import { checkOptions, configError, describeValue } from '@toolweaver/analytics-core/backend';
import { bytesOf, sumOfBytes } from './bytes.ts';
import { checkClient } from './client.ts';
import { createLifecycle } from './lifecycle.ts';
import { checkToolkitOptions, isName, type ToolkitOptions, toolkitOptionNames } from './toolkit-options.ts';
import { viewOf } from './view.ts';

/** What a toolkit is called, which of its functions are tools, and what is recorded of them. */
export interface TrackToolkitOptions extends ToolkitOptions {
  /** Default: the name of its class; required if it has no class of its own. */
  readonly name?: string | undefined;
  /** The names of its tools. Default: all functions, except those that begin with `_`, that all objects have, or that end it. */
  readonly tools?: readonly string[] | undefined;
}

const optionNames = { ...toolkitOptionNames, name: true, tools: true } as const satisfies Record<
  keyof TrackToolkitOptions,
  true
>;

type Call = (...args: unknown[]) => unknown;

/**
 * Returns a toolkit that does what the given one does, and records each call of its tools. It is an object or an array of functions,
 * of tools (`{ name, execute }`, as MCP, the AI SDK and others have them, also with `handler`, `invoke`, `call`, `run` or `func`), or
 * of both. The given one does not change. Also records its creation, with the time that this took, and its end, when `cleanup`,
 * `close`, `dispose` or a symbol of `using` is called.
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
  return checkOptions(options, optionNames, (check, given) => {
    const { name = classOf(toolkit), tools } = given;
    if (!isName(name)) {
      check.problem('name', 'must be given, as the toolkit has no class of its own');
    }
    /** By its key, or by its own name. */
    const isTool = (tool: unknown): boolean =>
      (isName(tool) && !Array.isArray(toolkit) && tool in toolkit) ||
      Object.values(toolkit).some((value) => nameOf(value) === tool);
    const unknown = Array.isArray(tools) ? tools.filter((tool) => !isTool(tool)) : [tools];
    if (tools !== undefined && unknown.length > 0) {
      const names = unknown.map(describeValue).join(', ');
      check.problem(
        'tools',
        Array.isArray(tools)
          ? `must name tools of the toolkit, which has no ${names}`
          : `must be an array of names of its tools, got ${names}`,
      );
    }
    checkToolkitOptions(check, given);
    return name as string;
  });
}

function classOf(toolkit: object): string | undefined {
  const { constructor: made } = toolkit;
  return [Object, Array, undefined].includes(made as never) ? undefined : made.name;
}

/** Functions are named by their key, tools by their own name. */
function nameOf(tool: unknown, key?: string): string {
  const { name } = Object(tool) as { name?: unknown };
  const own = isName(name) ? name : undefined;
  return (typeof tool === 'function' ? (key ?? own) : (own ?? key)) ?? 'anonymous';
}

/** By which of its methods a tool that is an object is called: the first that it has. */
const callNames = ['execute', 'handler', 'invoke', 'call', 'run', 'func'] as const;
export const endNames: readonly (string | symbol)[] = [
  Symbol.asyncDispose,
  Symbol.dispose,
  'cleanup',
  'close',
  'dispose',
];

/**
 * As `trackToolkit`, but without checking the options or recording a `create`. `onEnd` is called before each call that ends the
 * toolkit, also if nothing is recorded.
 */
export function wrapToolkit<T extends object>(
  analytics: Analytics,
  toolkit: T,
  options: TrackToolkitOptions & { readonly name: string },
  onEnd?: () => void,
): T {
  const { enabled = true, trackInvocations = true, sampleRate, sizes = true, attributes, tools } = options;
  if (!enabled && onEnd === undefined) {
    return toolkit;
  }
  const lifecycle = createLifecycle(analytics, options.name, options);

  function wrapCall(call: Call, name: string, input: (args: readonly unknown[]) => readonly unknown[]): Call {
    const recorded = (inputBytes?: number): Call =>
      analytics.wrapTool(
        call as (...args: never[]) => unknown,
        { kind: 'tool', name, toolkit: options.name, sampleRate, attributes, inputBytes },
        sizes ? (_, result) => ({ outputBytes: bytesOf(result) }) : undefined,
      ) as Call;
    // Measured before the call, as a tool may drain its input, or fill it.
    return sizes
      ? alike(recorded(), (self, args) => Reflect.apply(recorded(sumOfBytes(input(args))), self, args))
      : recorded();
  }

  /** The replacement of a function or a tool; undefined for anything else. */
  function wrapTool(tool: unknown, key?: string): unknown {
    const name = nameOf(tool, key);
    const isTool = !tools || tools.includes(name) || tools.includes(key as string);
    if (!enabled || !trackInvocations || !isTool) {
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
        onEnd?.();
        return lifecycle.during('cleanup', () => Reflect.apply(value, this, args));
      };
    }
    return typeof key === 'string' && (isTold || !isPlumbing(key)) ? wrapTool(value, key) : undefined;
  }

  return Array.isArray(toolkit)
    ? (toolkit.map((tool) => wrapTool(tool) ?? tool) as unknown as T)
    : viewOf(toolkit, replacement);
}

/** A function of the same sort as `fn` (sync, async, generator or async generator), with its properties, that does what `call` does. */
function alike(fn: Call, call: (self: unknown, args: readonly unknown[]) => unknown): Call {
  const isAsync = types.isAsyncFunction(fn);
  const made = types.isGeneratorFunction(fn)
    ? isAsync
      ? async function* (this: unknown, ...args: unknown[]) {
          return yield* call(this, args) as AsyncGenerator;
        }
      : function* (this: unknown, ...args: unknown[]) {
          return yield* call(this, args) as Generator;
        }
    : isAsync
      ? async function (this: unknown, ...args: unknown[]) {
          return call(this, args);
        }
      : function (this: unknown, ...args: unknown[]) {
          return call(this, args);
        };
  const { prototype: _, ...own } = Object.getOwnPropertyDescriptors(fn) as PropertyDescriptorMap;
  return Object.defineProperties(made as Call, own);
}

function isPlumbing(key: string): boolean {
  return key.startsWith('_') || key === 'then' || key === 'toJSON' || key in Object.prototype;
}

/** After the input come things of the caller, such as a signal or the messages so far; OpenAI Agents put them before it. */
function inputOf([first, second]: readonly unknown[]): readonly unknown[] {
  return typeof second === 'string' && typeof first === 'object' ? [second] : [first];
}

/** A class throws if it is called without `new`, so it is no tool. */
function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
