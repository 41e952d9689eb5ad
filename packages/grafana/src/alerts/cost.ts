import { percent } from '../percent.ts';
import type { Selection } from '../promql.ts';
import type { Alert, AlertParts } from './alert.ts';

/** Alerts on costs, and on the caches that reduce them. */
export function costAlerts({ over, thresholds }: AlertParts): Alert[] {
  const { costPerHourUsd, costPerRunUsd, cacheHitDrop, minExecutions } = thresholds;
  const hour = over('1h');
  const spent = hour.increase('job', { key: 'cost' });
  // Agents run rarely. Without its first run, an agent of a new program would seem to cost twice as much.
  const spentWhole = hour.gained('job', { key: 'cost' });
  const runs = hour.gained('job', { key: 'requests', where: 'kind="agent"' });
  const share = (by: string, part: Selection, all: Selection) => (range: string, offset: string) => {
    const count = (selection: Selection): string =>
      `sum by (job, ${by}) (increase(${hour.select(selection)}[${range}]${offset}))`;
    return `${count(part)} / (${count(all)} >= ${minExecutions})`;
  };
  const hits = share('kind, name', { key: 'cacheRequests', where: 'result="hit"' }, { key: 'cacheRequests' });
  // Not hits: a program that has never hit since its start has no series of them. The first request for a toolkit is a miss.
  const toolkitMisses = share(
    'toolkit',
    { key: 'toolkitEvents', where: 'operation="cache_miss"' },
    { key: 'toolkitEvents', where: 'operation=~"cache_hit|cache_miss"' },
  );
  const restarts = 'Restarts and deployments empty caches that live in memory: the ratio then recovers by itself.';
  const description = `Of an hour's requests, against the day before; a drop by ${percent(cacheHitDrop)} (of all requests) is the limit.`;
  const tuning = 'Raise `cacheHitDrop` where traffic changes with the time of day.';
  return [
    {
      name: 'CostPerHourHigh',
      severity: 'warning',
      expr: `${spent} > ${costPerHourUsd}`,
      for: '5m',
      summary: '{{ $labels.job }} has spent {{ $value | printf "%.2f" }} USD in an hour.',
      description: `Known costs of executions of all kinds; ${costPerHourUsd} USD is the limit.`,
      dashboard: 'llm',
      thresholds: ['costPerHourUsd'],
      runbook: {
        meaning: `The known costs of an hour are above $${costPerHourUsd}, for 5 minutes.`,
        impact: 'Money. What has no known price is not in it, so the bill may be higher.',
        look: [
          'Dashboard LLM models and cost, panels "Cost per hour by model" and "Most expensive": which model, which skill?',
          'More executions, or more tokens for each? Compare "Tokens a second" with the executions of the overview.',
          "`reader.getCosts({ by: 'run', from: Date.now() - 3_600_000 })` of the SQLite backend names the runs of the last hour and what each has cost in it.",
        ],
        act: [
          'Stop a run that goes in circles.',
          'Take a cheaper model, or let the provider cache prompts.',
          'Limit steps and retries.',
        ],
        tuning: 'Set `costPerHourUsd` above the cost of a busy hour that is as it should be.',
      },
    },
    {
      name: 'CostPerRunHigh',
      severity: 'warning',
      expr: `${spentWhole}\n/ (${runs} >= 1)\n> ${costPerRunUsd}`,
      for: '5m',
      summary: 'An agent run in {{ $labels.job }} costs {{ $value | printf "%.2f" }} USD on average.',
      description: `Known costs of an hour over the agent runs that ended in it; ${costPerRunUsd} USD is the limit.`,
      dashboard: 'llm',
      thresholds: ['costPerRunUsd'],
      runbook: {
        meaning: `The known costs of an hour, divided by the agent runs (executions of kind \`agent\`) that ended in it, are above $${costPerRunUsd}. This is a mean and an approximation: a run is no label, so Prometheus cannot tell what a single one has cost, and costs of what belongs to no agent are in it.`,
        impact: 'Tasks cost more than they are worth.',
        look: [
          "What each run of a day has cost exactly: `reader.listRuns({ from: Date.now() - 86_400_000, orderBy: 'totalCostUsd' })` of the SQLite backend.",
          'Dashboard LLM models and cost: do "Calls a second" and "Tokens a second" rise while the runs do not? Is less input read from the cache?',
        ],
        act: [
          'Limit steps, depth and retries of the agent.',
          'Shorten what is sent again with each step.',
          'Take a cheaper model for the simple steps.',
        ],
        tuning:
          'Set `costPerRunUsd`. Where nothing is recorded as an agent it never fires: then go by the cost per hour.',
      },
    },
    {
      name: 'CacheHitRatioDropped',
      severity: 'warning',
      expr: `${hits('1d', ' offset 1h')}\n- ${hits('1h', '')}\n> ${cacheHitDrop}`,
      for: '15m',
      summary:
        'The cache of {{ $labels.kind }} {{ $labels.name }} in {{ $labels.job }} hits {{ $value | humanizePercentage }} of requests less than before.',
      description,
      dashboard: 'toolkits',
      thresholds: ['cacheHitDrop', 'minExecutions'],
      runbook: {
        meaning: `The share of requests that a cache answered has fallen by more than ${percent(cacheHitDrop)} of all requests, the last hour against the day before it.`,
        impact: 'The same work is done and paid for again, and takes longer.',
        look: [
          'Dashboard Toolkits and cache: did all caches fall, or one?',
          restarts,
          'A change of the cache key (a version, a model, a time stamp in it) makes every request a miss.',
        ],
        act: [
          'Undo the change of the key.',
          'Give the cache more room or a longer life, if it throws out what is still asked for.',
        ],
        tuning,
      },
    },
    {
      name: 'ToolkitCacheHitRatioDropped',
      severity: 'warning',
      expr: `${toolkitMisses('1h', '')}\n- ${toolkitMisses('1d', ' offset 1h')}\n> ${cacheHitDrop}`,
      for: '15m',
      summary:
        'The cache of toolkit {{ $labels.toolkit }} in {{ $labels.job }} hits {{ $value | humanizePercentage }} of requests less than before.',
      description,
      dashboard: 'toolkits',
      thresholds: ['cacheHitDrop', 'minExecutions'],
      runbook: {
        meaning: `The share of requests for a toolkit that a toolkit in the cache answered (its events \`cache_hit\` and \`cache_miss\`) has fallen by more than ${percent(cacheHitDrop)} of all requests, the last hour against the day before it.`,
        impact: 'The toolkit is made again and again, which takes time, and what it holds may stay open.',
        look: [
          'Dashboard Toolkits and cache, panel "From the cache, by toolkit": did all toolkits fall, or one?',
          'Panel "Failed events a second": a toolkit whose `create` fails is not kept, so the next request is a miss.',
          'Panel "Events a second by operation": as many `cleanup` as `create` where each use closes or deletes the toolkit; few where each request makes a cache of its own.',
          restarts,
        ],
        act: [
          'Make one cache (`createToolkitCache`) for the whole program.',
          'Close or delete a toolkit only when nobody asks for it any more.',
          'Repair what its creation needs.',
        ],
        tuning,
      },
    },
  ];
}
