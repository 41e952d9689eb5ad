import type {
  AnalyticsEvent,
  AnalyticsReader,
  Backend,
  CostEntry,
  CostGroup,
  Window,
} from '@toolweaver/analytics-core';
import { checkOptions, cleanId, configError, type OptionNames } from '@toolweaver/analytics-core/backend';
import { type BudgetWindow, checkWindow, windowAt } from './budget-window.ts';
import { checkFilter, matches, type SpendFilter } from './scope.ts';

/**
 * Executions with the same `userId`, `orgId`, `runId` or `model` share a budget; those without one count towards none. After
 * 50 000 owners in a window, further ones share one budget.
 */
export type BudgetOwner = 'user' | 'organisation' | 'run' | 'model';

/** A limit for each window, and which executions count towards it. */
export interface BudgetOptions {
  /** US dollars in each window; above 0. */
  readonly limitUsd: number;
  readonly window: BudgetWindow;
  /** Share of the limit at which `check` starts to warn; above 0, at most 1. Default: 0.8. */
  readonly warnAt?: number | undefined;
  /** Which executions count. Default: all. */
  readonly filter?: SpendFilter | undefined;
  /** Gives each owner a budget of its own. Default: one budget for all together. */
  readonly per?: BudgetOwner | undefined;
  /** Name of its backend; needed when a client has two budgets. Default: `budget`. */
  readonly name?: string | undefined;
  /** For tests: Unix time in ms. */
  readonly now?: (() => number) | undefined;
}

const optionNames: OptionNames<BudgetOptions> = {
  limitUsd: true,
  window: true,
  warnAt: true,
  filter: true,
  per: true,
  name: true,
  now: true,
};

/** Whose budget is asked for, and for which call. */
export interface BudgetQuestion {
  /**
   * Whose budget; must be given where budgets are `per` user, organisation, run or model, and says nothing elsewhere. Undefined and
   * '' are nobody, whose calls count towards no budget: the state is always `ok`.
   */
  readonly of?: string | undefined;
  /** What the next call may cost, in US dollars. Default, also for anything but a number above 0: nothing is added. */
  readonly expectedUsd?: number | undefined;
}

const questionNames: OptionNames<BudgetQuestion> = { of: true, expectedUsd: true };

/** The state of a budget in the current window. */
export interface BudgetAnswer {
  /**
   * `exceeded`: the limit is reached, or the expected cost would pass it · `warning`: `warnAt` is reached, the expected cost
   * included · `ok`. Nothing is blocked: what follows is up to you.
   */
  readonly state: 'ok' | 'warning' | 'exceeded';
  readonly limitUsd: number;
  /** Known costs of this window so far. */
  readonly spentUsd: number;
  /** Not below 0. */
  readonly remainingUsd: number;
  /** LLM calls in this window whose cost is unknown, so that more was spent than `spentUsd`. */
  readonly unpricedCalls: number;
  readonly window: Window;
}

/** Compares the known costs of the current window with the limit, for each owner. Earlier windows are forgotten. */
export interface BudgetPerOwner {
  /** Counts what is recorded. Pass it to the client as one of its `backends`. */
  readonly backend: Backend;
  /**
   * Answers synchronously, from what was recorded in this process and what `load` found.
   * @throws AnalyticsError `INVALID_CONFIG` for an unknown name in the question, or a missing `of`: the answer would be `ok`, whatever
   *   was spent.
   */
  check(question: BudgetQuestion & { readonly of: string | undefined }): BudgetAnswer;
  /**
   * Adds what was spent earlier in this window, by this process or others. Call it before anything is recorded, or that counts
   * twice. Rejects when the reader does, or the filter has a `provider`. Reads the 1000 most expensive owners. Where there may be
   * more, each other one counts as having spent as much as the cheapest of these, which is the most that it can have.
   */
  load(reader: Pick<AnalyticsReader, 'getCosts'>): Promise<void>;
}

/** A budget for all together. */
export interface Budget extends BudgetPerOwner {
  /**
   * Answers synchronously, from what was recorded in this process and what `load` found.
   * @throws AnalyticsError `INVALID_CONFIG` for an unknown name in the question.
   */
  check(question?: BudgetQuestion): BudgetAnswer;
}

interface Spent {
  nanoUsd: number;
  unpriced: number;
}

const nothing: Readonly<Spent> = { nanoUsd: 0, unpriced: 0 };

const ownerOf = {
  user: 'userId',
  organisation: 'orgId',
  run: 'runId',
  model: 'model',
} as const satisfies Record<BudgetOwner & CostGroup, keyof SpendFilter>;
/** The most that can be counted in nano-dollars. */
const maxUsd = Number.MAX_SAFE_INTEGER / 1e9;
/** Bounds the memory; further owners of a window share one budget. */
const maxOwners = 50_000;
const others = '';
/** The most that a reader returns at once. */
const maxLoaded = 1000;

/**
 * Creates a budget, which counts what a window's executions have cost, to be checked before the next call.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function createBudget(options: BudgetOptions & { readonly per?: undefined }): Budget;
/**
 * Creates budgets for each owner, so that a question must say whose is meant.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function createBudget(options: BudgetOptions): BudgetPerOwner;
export function createBudget(options: BudgetOptions): Budget {
  const { limitUsd, window, warnAt, filter, per, name, now } = resolveOptions(options);
  let current: Window = { from: 0, to: 0 };
  let spent = new Map<string, Spent>();
  /** What an owner may have spent of whom nothing is known. */
  let atMost: Spent = { ...nothing };

  /** Returns what was spent in the current window; starts a new one when the last is over. */
  function spentNow(): Map<string, Spent> {
    const present = now();
    // It is before the window if the clock was ahead and has been set back.
    if (present >= current.to || present < current.from) {
      current = windowAt(present, window);
      spent = new Map();
      atMost = { ...nothing };
    }
    return spent;
  }

  function find(owners: Map<string, Spent>, owner: string): Spent | undefined {
    return owners.get(owner) ?? (owners.size >= maxOwners ? owners.get(others) : undefined);
  }

  function of(owners: Map<string, Spent>, owner: string): Spent {
    const known = find(owners, owner);
    if (known !== undefined) {
      return known;
    }
    const made = { ...atMost };
    owners.set(owners.size >= maxOwners ? others : owner, made);
    return made;
  }

  function count(event: AnalyticsEvent): void {
    if (!matches(event, filter)) {
      return;
    }
    const { at, weight = 1, cost, kind } = event;
    const owner = per === undefined ? others : event[ownerOf[per]];
    const owners = spentNow();
    // Events from before the window do not count; those dated in the future count as now.
    if (owner === undefined || at < current.from) {
      return;
    }
    const own = of(owners, owner);
    own.nanoUsd += weight * (cost?.nanoUsd ?? 0);
    own.unpriced += cost === undefined && kind === 'llm' ? weight : 0;
  }

  return {
    backend: {
      name,
      delivery: 'immediate',
      settings: { limitUsd, window: typeof window === 'object' ? { ...window } : window, warnAt, per: per ?? null },
      write(events) {
        events.forEach(count);
      },
    },
    check(question) {
      const { owner, expectedUsd } = readQuestion(question, per);
      const owners = spentNow();
      const { nanoUsd, unpriced } = owner === undefined ? nothing : (find(owners, owner) ?? atMost);
      const spentUsd = nanoUsd / 1e9;
      const expected =
        nanoUsd + (typeof expectedUsd === 'number' && expectedUsd > 0 ? Math.round(expectedUsd * 1e9) : 0);
      const limit = Math.round(limitUsd * 1e9);
      return {
        state: nanoUsd >= limit || expected > limit ? 'exceeded' : expected >= limit * warnAt ? 'warning' : 'ok',
        limitUsd,
        spentUsd,
        remainingUsd: Math.max(0, limit - nanoUsd) / 1e9,
        unpricedCalls: unpriced,
        window: current,
      };
    },
    async load(reader) {
      if (typeof Object(reader).getCosts !== 'function') {
        throw configError([{ field: 'reader', message: 'must be the `reader` of a client or of a store' }]);
      }
      const owners = spentNow();
      const unread = atMost;
      const { provider, ...report } = filter;
      if (provider !== undefined) {
        throw configError([
          { field: 'filter.provider', message: 'cannot be loaded: readers do not tell costs by provider' },
        ]);
      }
      const asked = { ...report, ...current, by: per ?? 'kind', limit: maxLoaded } as const;
      const isOfCalls = filter.kind === undefined || filter.kind === 'llm';
      const [all, calls] = await Promise.all([
        reader.getCosts(asked),
        isOfCalls ? reader.getCosts({ ...asked, kind: 'llm' }) : { entries: [] },
      ]);
      const ownOf = ({ name: owner }: CostEntry): Spent | undefined =>
        per === undefined ? of(owners, others) : owner === null ? undefined : of(owners, owner);
      for (const entry of all.entries) {
        const own = ownOf(entry);
        if (own !== undefined) {
          own.nanoUsd += nanoUsdOf(entry);
        }
      }
      // The most expensive come first.
      const last = all.entries[maxLoaded - 1];
      unread.nanoUsd += last === undefined ? 0 : nanoUsdOf(last);
      for (const entry of calls.entries) {
        const own = ownOf(entry);
        if (own !== undefined) {
          own.unpriced += entry.executions - entry.pricedExecutions;
        }
      }
    },
  };
}

function nanoUsdOf({ totalCostUsd }: CostEntry): number {
  return Math.round((totalCostUsd ?? 0) * 1e9);
}

function resolveOptions(options: BudgetOptions) {
  return checkOptions(options, optionNames, (check, given) => ({
    limitUsd: check.required.number('limitUsd', given.limitUsd, { min: 1e-9, max: maxUsd, what: 'US dollars' }) ?? 0,
    window: checkWindow(check, given.window),
    warnAt: check.number('warnAt', given.warnAt, { above: 0, max: 1 }) ?? 0.8,
    filter: checkFilter(check, 'filter', given.filter),
    per: check.choice('per', given.per, Object.keys(ownerOf) as BudgetOwner[]),
    name: check.text('name', given.name) ?? 'budget',
    now: check.callback('now', given.now) ?? Date.now,
  }));
}

/** `owner`: whose spending is asked for, as it is recorded; undefined is nobody. */
function readQuestion(question: BudgetQuestion | undefined, per: BudgetOwner | undefined) {
  return checkOptions(question, questionNames, (check, { of: asked, expectedUsd }) => {
    if (per === undefined) {
      return { owner: others, expectedUsd };
    }
    if (!('of' in Object(question))) {
      check.problem('of', `must be given: this budget is per ${per}`);
    }
    const owner = asked ?? '';
    check.expect('of', owner, typeof owner === 'string', 'a string');
    return owner === '' ? { owner: undefined, expectedUsd: 0 } : { owner: cleanId(String(owner)), expectedUsd };
  });
}
