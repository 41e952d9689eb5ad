import { setImmediate } from 'node:timers/promises';
import type { Analytics, ExecutionKind, Run, Usage } from '@toolweaver/analytics';
import type { ModelPrice } from '@toolweaver/analytics-prices';
import { addCost, addCount, type Figures, newFigures, type RunFigures } from './figures.ts';

// An agent's work of an afternoon, and what it comes to, counted by hand in whole numbers.

/** One execution that the program records. */
interface Work {
  readonly kind: ExecutionKind;
  readonly name: string;
  readonly model?: string;
  readonly success: boolean;
  readonly usage?: Usage;
  /** What the caller says that it cost. */
  readonly usd?: number;
}

/** Nano-dollars a token of each class, as published; `our-own-7b` is priced by the program itself. */
const rates: Readonly<Record<string, Usage>> = {
  'gpt-4.1-mini': rate(400, 100, 0, 1600),
  'claude-sonnet-4-5': rate(3000, 300, 3750, 15_000),
  'our-own-7b': rate(100, 10, 0, 400),
};
export const ownPrices: readonly ModelPrice[] = [
  { model: 'our-own-7b', usdPer1K: { input: 0.0001, cacheRead: 0.00001, output: 0.0004 } },
];

/** Reasoning costs what output does. */
function rate(inputTokens: number, cacheReadTokens: number, cacheWriteTokens: number, outputTokens: number): Usage {
  return { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens: outputTokens };
}

/** Numbers that look like chance, and are the same each time. */
function usageAt(at: number, writes: boolean): Usage {
  return {
    inputTokens: (at * 7919) % 4001,
    cacheReadTokens: (at * 31) % 503,
    cacheWriteTokens: writes ? (at * 53) % 211 : 0,
    outputTokens: (at * 104_729) % 997,
    reasoningTokens: (at * 17) % 41,
  };
}

/** Everything that a task does, of each sort something; no two turns are alike. */
function workOf(task: number, turns: number): Work[] {
  return Array.from({ length: turns }, (_, turn): Work[] => {
    const at = task * 1000 + turn;
    const success = at % 7 > 0;
    return [
      { kind: 'llm', name: 'extract', model: 'gpt-4.1-mini', success, usage: usageAt(at, false) },
      { kind: 'llm', name: 'extract', model: 'claude-sonnet-4-5', success: true, usage: usageAt(at + 1, true) },
      { kind: 'llm', name: 'our-own-7b', model: 'our-own-7b', success, usage: usageAt(at + 2, false) },
      // Nobody knows its price.
      { kind: 'llm', name: 'judge', model: 'unheard-of', success: true, usage: usageAt(at + 3, true) },
      // The provider's word counts, not the table.
      { kind: 'llm', name: 'judge', model: 'gpt-4.1-mini', success, usage: usageAt(at + 4, false), usd: 0.1 },
      { kind: 'agent', name: 'clerk', model: 'claude-sonnet-4-5', success: true, usage: usageAt(at + 5, true) },
      { kind: 'operation', name: 'embed', success, usage: usageAt(at + 6, false) },
      { kind: 'tool', name: 'ocr', success: true, usd: 0.0015 },
      { kind: 'tool', name: 'look/up "it"', success, usd: 0.2 },
      { kind: 'tool', name: 'cached', success: true, usd: 0 },
      { kind: 'tool', name: 'clock', success },
      { kind: 'search', name: 'web', success: true, usd: 1234.567_890_123 },
      { kind: 'skill', name: 'read_invoice', success, usd: 0.000_000_001 },
      { kind: 'skill', name: 'file_invoice', success: true },
    ];
  }).flat();
}

function nanoUsdOf({ model, usage, usd }: Work): number | undefined {
  if (usd !== undefined) {
    return Math.round(usd * 1e9);
  }
  const price = model === undefined ? undefined : rates[model];
  if (price === undefined || usage === undefined) {
    return undefined;
  }
  const classes = Object.keys(price) as (keyof Usage)[];
  return classes.reduce((sum, tokens) => sum + usage[tokens] * price[tokens], 0);
}

/** Records one thing as a program would: what is timed here, or what was timed elsewhere. */
async function record(analytics: Analytics, { kind, name, model, success, usage, usd }: Work): Promise<void> {
  const cost = usd === undefined ? undefined : { usd };
  if (kind === 'llm') {
    analytics.recordLlmCall({ name, model: model ?? '', success, usage, cost, latencyMs: 12.5 });
  } else if (kind === 'tool') {
    analytics.recordToolInvocation({ toolName: name, toolkit: 'desk', success, usage, cost });
  } else {
    await analytics.trackOperation({ kind, name, model, usage, cost }, async (operation) => {
      await setImmediate();
      return success || operation.fail({ type: 'Unreadable' });
    });
  }
}

async function recordAll(analytics: Analytics, work: readonly Work[]): Promise<void> {
  for (const one of work) {
    await record(analytics, one);
  }
}

/** What a run is, and what it does before and after its start is told again. */
interface Task {
  readonly id: string;
  readonly run: Pick<RunFigures, 'name' | 'state' | 'project' | 'config' | 'tags'>;
  readonly work: readonly Work[];
  readonly later: readonly Work[];
}

const tasks = {
  receipts: {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    run: {
      name: 'receipts',
      state: 'finished',
      project: 'extraction',
      config: { batch: 8, model: { name: 'claude' } },
      tags: ['eu', 'nightly'],
    },
    work: workOf(1, 20),
    later: [],
  },
  broken: {
    id: '01890a5d-ac96-774b-bcce-b302099a8058',
    run: { name: 'broken', state: 'failed', project: 'extraction', config: {}, tags: [] },
    work: workOf(2, 11),
    later: [],
  },
  open: {
    id: 'evaluation-7',
    run: { name: 'evaluation', state: 'started', project: 'quality', config: { fold: 3 }, tags: ['weekly'] },
    work: workOf(3, 5),
    later: workOf(4, 3),
  },
} as const satisfies Record<string, Task>;
const ofNoRun = workOf(5, 9);

/** The program's first part: two tasks at once, one of which fails, one that is left open, and work outside of any. */
export async function firstPart(analytics: Analytics): Promise<void> {
  const { receipts, broken, open } = tasks;
  const start = ({ id, run: { name, project, config, tags } }: Task) => ({ id, name, project, config, tags });
  const failing = analytics.trackRun(start(broken), async () => {
    await recordAll(analytics, broken.work);
    throw new Error('the receipts are gone');
  });
  await Promise.all([
    analytics.trackRun(start(receipts), () => recordAll(analytics, receipts.work)),
    failing.catch(() => {}),
    recordAll(analytics, ofNoRun),
  ]);
  await analytics.startRun(start(open)).within(() => recordAll(analytics, open.work));
}

/** Its second part: the open task goes on, by its id alone. */
export async function secondPart(analytics: Analytics): Promise<void> {
  const run: Run = analytics.startRun({ id: tasks.open.id });
  await run.within(() => recordAll(analytics, tasks.open.later));
}

/** What all of it comes to. */
export function countedByHand(): { readonly figures: Figures; readonly runs: Record<string, RunFigures> } {
  const figures = newFigures();
  const runs: Record<string, RunFigures> = {};
  for (const { id, run, work, later } of [...Object.values<Task>(tasks), { ...noTask, work: ofNoRun }]) {
    let [nanoUsd, tokens] = [0, 0];
    const all = [...work, ...later];
    for (const one of all) {
      const { kind, name, model = '', success, usage } = one;
      const ownNanoUsd = nanoUsdOf(one);
      addCount(figures.calls, [kind, kind === 'llm' ? model : name, success ? 'success' : 'failure'], 1);
      if (ownNanoUsd !== undefined) {
        addCost(figures.nanoUsd, [kind, name, model], ownNanoUsd);
        nanoUsd += ownNanoUsd;
      }
      for (const [tokenClass, count] of Object.entries(usage ?? {})) {
        addCount(figures.tokens, [model, tokenClass], count);
        tokens += count;
      }
    }
    const failures = all.filter(({ success }) => !success).length;
    runs[id] = { ...run, executions: all.length, failures, nanoUsd, tokens };
  }
  return { figures, runs };
}

const noTask: Task = {
  id: '',
  run: { name: undefined, state: undefined, project: undefined, config: {}, tags: [] },
  work: [],
  later: [],
};
