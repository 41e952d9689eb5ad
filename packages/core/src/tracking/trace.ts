import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Analytics, TraceContext } from '../client.ts';
import { optionalObject, optionalText, optionalUuid } from '../values/check.ts';
import { parseUuid } from '../values/id.ts';
import { rootOf, type Surroundings } from './context.ts';

// W3C Trace Context, level 1. A trace id is as long as a UUID, so it is the id of the run, or of the outermost execution. A span
// id is half as long: it is the second half of the execution's id. `tracestate` holds what is lost by that, as
// `toolweaver=p:<id of the execution>;o:<id of the outermost one>;r:<id of the run, URI-encoded>`. The outermost one is left out
// if it is the execution, or if the trace has its id.

const pattern = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const member = 'toolweaver=';
/** The header length that others should at least propagate; a longer header may be cut off on its way. */
const maxStateLength = 512;
const maxMembers = 32;

export function createTraces(
  context: AsyncLocalStorage<Surroundings>,
): Pick<Analytics, 'traceContext' | 'withTraceContext'> {
  return {
    traceContext() {
      const around = context.getStore() ?? {};
      const { runId, parentId, trace } = around;
      const [, , traceId, spanId, flags] = pattern.exec(trace?.traceparent ?? '') ?? [];
      const run = parseUuid(runId);
      const id = traceId ?? hex(run ?? rootOf(around));
      const parent = hex(parentId)?.slice(16) ?? spanId ?? hex(run)?.slice(16);
      const traceparent = `00-${id}-${parent}-${flags ?? '01'}`;
      // There is none without a run or an execution, nor with ids that the header does not allow, such as all zeros.
      if (!pattern.test(traceparent)) {
        return {};
      }
      const rootId = rootOf(around);
      const own = [
        parentId && `p:${parentId}`,
        runId && rootId !== parentId && `o:${rootId}`,
        runId && `r:${encodeURIComponent(runId)}`,
      ]
        .filter(Boolean)
        .join(';');
      // 32 members at most: https://www.w3.org/TR/trace-context/#list
      const others = trace?.tracestate
        .split(',')
        .slice(0, own ? maxMembers - 1 : maxMembers)
        .join(',');
      const members = [own && member + own, others].filter(Boolean);
      const state = [members.join(','), ...members].find(
        (text) => text !== '' && String(text).length <= maxStateLength,
      );
      return { traceparent, ...(state !== undefined && { tracestate: state }) };
    },
    withTraceContext(headers, fn) {
      const outer = context.getStore();
      return context.run({ ...outer, ...incoming(headers, outer) }, fn);
    },
  };
}

/** Undefined for headers without a valid trace. They come from outside, so they are no mistake of the host and not reported. */
function incoming(headers: unknown, outer: Surroundings | undefined): Surroundings | undefined {
  try {
    const given: { get?: unknown; [name: string]: unknown } = optionalObject(headers, 'headers');
    const read = (name: keyof TraceContext): unknown =>
      typeof given.get === 'function'
        ? given.get(name)
        : Object.entries(given).find(([key]) => key.toLowerCase() === name)?.[1];
    const [found = '', version, traceId, , , more] = pattern.exec(String(read('traceparent'))) ?? [];
    if (traceId === undefined || (version === '00' && more !== undefined)) {
      return undefined;
    }
    const tracestate = read('tracestate');
    const members = typeof tracestate === 'string' ? tracestate.split(',').map((one) => one.trim()) : [];
    const own = ownMember(members.find((one) => one.startsWith(member))?.slice(member.length));
    const id = traceId.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    const { run, parentId = outer?.parentId } = own ?? {};
    return {
      parentId,
      // The trace id is that of a run of ours, or else of the outermost execution.
      rootId: own?.rootId ?? (run === undefined ? id : parentId),
      runId: run ?? outer?.runId ?? (own === undefined ? id : undefined),
      trace: {
        traceparent: found,
        tracestate: members.filter((one) => one !== '' && !one.startsWith(member)).join(','),
      },
    };
  } catch {
    return undefined;
  }
}

/** Undefined if it is absent, or not as we write it: the rest of the trace is valid all the same. */
function ownMember(text: string | undefined) {
  const field = (name: string): string | undefined =>
    text
      ?.split(';')
      .find((one) => one.startsWith(name))
      ?.slice(name.length);
  try {
    return text === undefined
      ? undefined
      : {
          run: optionalText(decodeURIComponent(field('r:') ?? ''), 'run'),
          parentId: optionalUuid(field('p:'), 'parent'),
          rootId: optionalUuid(field('o:'), 'root'),
        };
  } catch {
    return undefined;
  }
}

function hex(uuid: string | undefined): string | undefined {
  return uuid?.replaceAll('-', '');
}
