/** What must become of one alert, when Prometheus has seen these series. */
export interface AlertCase {
  /** After the namespace. */
  readonly alert: string;
  readonly title: string;
  /** Between the values of a series, and between evaluations. Default: 1m, and 5m. */
  readonly interval?: string;
  /** Values in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  readonly fires: readonly {
    readonly labels: Record<string, string>;
    readonly summary: string;
    readonly description: string;
  }[];
}

const job = 'demo';
const j = `job="${job}",instance="a:1"`;

function fired(
  labels: Record<string, string>,
  severity: string,
  summary: string,
  description: string,
): AlertCase['fires'] {
  return [{ labels: { job, severity, ...labels }, summary, description }];
}

/** A counter that grows by as much with each value, 0 first. */
function growing(step: number, values: number): string {
  return `0+${step}x${values}`;
}

function skill(executions: string, failures: string): AlertCase['series'] {
  return {
    [`toolweaver_skill_executions_total{${j},skill_id="parse"}`]: executions,
    [`toolweaver_skill_failures_total{${j},skill_id="parse"}`]: failures,
  };
}

const parse = { kind: 'skill', name: 'parse' };

const outcomes: readonly AlertCase[] = [
  {
    alert: 'SuccessRatioLow',
    title: 'nine of ten succeed',
    series: skill(growing(10, 60), growing(1, 60)),
    at: '40m',
    fires: fired(
      parse,
      'warning',
      'skill parse in demo succeeds in 90% of its executions.',
      'Over 15 minutes, with at least 20 executions; 95 % are expected.',
    ),
  },
  {
    alert: 'SuccessRatioLow',
    title: '96 % succeed',
    series: skill(growing(10, 60), growing(0.4, 60)),
    at: '40m',
    fires: [],
  },
  {
    alert: 'SuccessRatioLow',
    title: 'too few to say',
    series: skill(growing(1, 60), growing(1, 60)),
    at: '40m',
    fires: [],
  },
  {
    alert: 'FailureRatioHigh',
    title: 'three of ten fail, in one of two instances of a tool',
    series: {
      [`toolweaver_tool_executions_total{${j},tool_name="ocr",toolkit="Scans",status="success"}`]: growing(2, 60),
      [`toolweaver_tool_executions_total{${j},tool_name="ocr",toolkit="Scans",status="failure"}`]: growing(3, 60),
      [`toolweaver_tool_executions_total{job="${job}",instance="b:1",tool_name="ocr",toolkit="Scans",status="success"}`]:
        growing(5, 60),
    },
    at: '40m',
    fires: fired(
      { kind: 'tool', name: 'ocr', toolkit: 'Scans' },
      'critical',
      'tool ocr in demo fails in 30% of its executions.',
      'Over 15 minutes, with at least 20 executions; at most 20 % is tolerated.',
    ),
  },
  {
    alert: 'FailureRatioHigh',
    title: '15 % fail',
    series: skill(growing(10, 60), growing(1.5, 60)),
    at: '40m',
    fires: [],
  },
  {
    alert: 'FailureRatioHigh',
    title: 'too few to say',
    series: skill(growing(1, 60), growing(1, 60)),
    at: '40m',
    fires: [],
  },
  {
    alert: 'ErrorSpike',
    title: 'half of a model fails of a sudden',
    series: {
      [`toolweaver_llm_calls_total{${j},model="large",provider="acme",status="success"}`]: '0+10x60 605+5x20',
      [`toolweaver_llm_calls_total{${j},model="large",provider="acme",status="failure"}`]: '0x60 5+5x20',
    },
    at: '70m',
    fires: fired(
      { kind: 'llm', name: 'large' },
      'warning',
      'llm large in demo suddenly fails in 50% of its executions.',
      'Over 5 minutes, which is more than 3 times the ratio of the hour before.',
    ),
  },
  {
    alert: 'ErrorSpike',
    title: 'half has always failed',
    series: skill(growing(10, 90), growing(5, 90)),
    at: '70m',
    fires: [],
  },
  { alert: 'ErrorSpike', title: 'a handful', series: skill(growing(1, 90), '0x60 1+1x20'), at: '70m', fires: [] },
];

/** All observations in one bucket: beyond `above`, at most `below`. */
function durations(
  metric: string,
  labels: string,
  above: string,
  below: string,
  perMinute: number,
): AlertCase['series'] {
  const bucket = (le: string): string => `${metric}_bucket{${j},${labels},le="${le}"}`;
  return {
    [bucket(above)]: '0x60',
    [bucket(below)]: growing(perMinute, 60),
    [bucket('+Inf')]: growing(perMinute, 60),
  };
}

function skillTook(above: string, below: string, perMinute: number): AlertCase['series'] {
  return {
    ...skill(growing(perMinute, 60), '0x60'),
    ...durations('toolweaver_skill_latency_milliseconds', 'skill_id="parse"', above, below, perMinute),
  };
}

function toolTook(above: string, below: string, perMinute: number): AlertCase['series'] {
  const labels = 'tool_name="ocr",toolkit="Scans"';
  return {
    [`toolweaver_tool_executions_total{${j},${labels},status="success"}`]: growing(perMinute, 60),
    ...durations('toolweaver_tool_duration_seconds', labels, above, below, perMinute),
  };
}

function modelTook(above: string, below: string, perMinute: number): AlertCase['series'] {
  const labels = 'model="large",provider="acme",status="success"';
  return {
    [`toolweaver_llm_calls_total{${j},${labels}}`]: growing(perMinute, 60),
    ...durations('toolweaver_llm_duration_seconds', labels, above, below, perMinute),
  };
}

function runsTook(seconds: number): AlertCase['series'] {
  const labels = 'kind="agent",operation="planner",status="success"';
  return {
    [`toolweaver_request_duration_seconds_sum{${j},${labels}}`]: growing(seconds, 120),
    [`toolweaver_request_duration_seconds_count{${j},${labels}}`]: growing(1, 120),
  };
}

const latency: readonly AlertCase[] = [
  {
    alert: 'SkillLatencyHigh',
    title: 'between 10 and 30 s',
    series: skillTook('10000', '30000', 10),
    at: '40m',
    fires: fired(
      parse,
      'warning',
      'The P95 of skill parse in demo is 29s.',
      'Over 15 minutes, with at least 20 executions; 10 s is the limit.',
    ),
  },
  { alert: 'SkillLatencyHigh', title: 'below 10 s', series: skillTook('5000', '10000', 10), at: '40m', fires: [] },
  { alert: 'SkillLatencyHigh', title: 'too few to say', series: skillTook('10000', '30000', 1), at: '40m', fires: [] },
  {
    alert: 'ToolLatencyHigh',
    title: 'between 10 and 30 s',
    series: toolTook('10', '30', 10),
    at: '40m',
    fires: fired(
      { kind: 'tool', name: 'ocr', toolkit: 'Scans' },
      'warning',
      'The P95 of tool ocr in demo is 29s.',
      'Over 15 minutes, with at least 20 executions; 10 s is the limit.',
    ),
  },
  { alert: 'ToolLatencyHigh', title: 'below 10 s', series: toolTook('5', '10', 10), at: '40m', fires: [] },
  { alert: 'ToolLatencyHigh', title: 'too few to say', series: toolTook('10', '30', 1), at: '40m', fires: [] },
  {
    alert: 'LlmLatencyHigh',
    title: 'between 30 and 60 s',
    series: modelTook('30', '60', 10),
    at: '40m',
    fires: fired(
      { kind: 'llm', name: 'large' },
      'warning',
      'The P95 of model large in demo is 58.5s.',
      'Over 15 minutes, with at least 20 executions; 30 s is the limit.',
    ),
  },
  { alert: 'LlmLatencyHigh', title: 'below 30 s', series: modelTook('10', '30', 10), at: '40m', fires: [] },
  { alert: 'LlmLatencyHigh', title: 'too few to say', series: modelTook('30', '60', 1), at: '40m', fires: [] },
  {
    alert: 'RunsSlow',
    title: '400 s, far above the highest bucket',
    series: runsTook(400),
    at: '90m',
    fires: fired(
      { kind: 'agent', name: 'planner' },
      'warning',
      'agent planner in demo takes 6m 40s on average.',
      'Over an hour; 300 s is the limit.',
    ),
  },
  { alert: 'RunsSlow', title: '290 s', series: runsTook(290), at: '90m', fires: [] },
];

function cost(usdPerMinute: number, runsPerMinute?: number): AlertCase['series'] {
  return {
    [`toolweaver_cost_dollars_total{${j},kind="llm",name="chat",model="large"}`]: growing(usdPerMinute, 120),
    ...(runsPerMinute !== undefined && {
      [`toolweaver_request_total{${j},kind="agent",operation="planner",status="success"}`]: growing(runsPerMinute, 120),
    }),
  };
}

/** A program that has begun with the scrape, and has run its agent twice. */
function newProgram(usdPerMinute: number): AlertCase['series'] {
  return {
    [`toolweaver_cost_dollars_total{${j},kind="llm",name="chat",model="large"}`]: `${usdPerMinute}+${usdPerMinute}x60`,
    [`toolweaver_request_total{${j},kind="agent",operation="planner",status="success"}`]: '1x10 2x50',
  };
}

function cache(hits: string, misses: string): AlertCase['series'] {
  const request = (result: string): string =>
    `toolweaver_cache_requests_total{${j},kind="tool",name="search",result="${result}"}`;
  return { [request('hit')]: hits, [request('miss')]: misses };
}

function toolkitCache(hits: string, misses: string, instance = 'a:1'): AlertCase['series'] {
  const event = (operation: string): string =>
    `toolweaver_toolkit_events_total{job="${job}",instance="${instance}",toolkit="Scans",operation="${operation}",status="success"}`;
  return { [event('cache_hit')]: hits, [event('cache_miss')]: misses };
}

const scans = fired(
  { toolkit: 'Scans' },
  'warning',
  'The cache of toolkit Scans in demo hits 60% of requests less than before.',
  "Of an hour's requests, against the day before; a drop by 20 % (of all requests) is the limit.",
);

const costs: readonly AlertCase[] = [
  {
    alert: 'CostPerHourHigh',
    title: '15 dollars an hour',
    series: cost(0.25),
    at: '90m',
    fires: fired(
      {},
      'warning',
      'demo has spent 15.00 USD in an hour.',
      'Known costs of executions of all kinds; 10 USD is the limit.',
    ),
  },
  { alert: 'CostPerHourHigh', title: '9 dollars an hour', series: cost(0.15), at: '90m', fires: [] },
  {
    alert: 'CostPerRunHigh',
    title: '60 dollars and six runs an hour',
    series: cost(1, 0.1),
    at: '90m',
    fires: fired(
      {},
      'warning',
      'An agent run in demo costs 10.00 USD on average.',
      'Known costs of an hour over the agent runs that ended in it; 5 USD is the limit.',
    ),
  },
  { alert: 'CostPerRunHigh', title: '18 dollars and six runs an hour', series: cost(0.3, 0.1), at: '90m', fires: [] },
  { alert: 'CostPerRunHigh', title: 'no run at all', series: cost(1, 0), at: '90m', fires: [] },
  {
    alert: 'CostPerRunHigh',
    title: '15.50 dollars in the two runs of a new program',
    series: newProgram(0.5),
    at: '30m',
    fires: fired(
      {},
      'warning',
      'An agent run in demo costs 7.75 USD on average.',
      'Known costs of an hour over the agent runs that ended in it; 5 USD is the limit.',
    ),
  },
  {
    alert: 'CostPerRunHigh',
    title: '6.20 dollars in the two runs of a new program',
    series: newProgram(0.2),
    at: '30m',
    fires: [],
  },
  {
    alert: 'CacheHitRatioDropped',
    title: 'from seven to one of ten',
    interval: '15m',
    series: cache('0+21x96 2019+3x4', '0+9x96 891+27x4'),
    at: '25h',
    fires: fired(
      { kind: 'tool', name: 'search' },
      'warning',
      'The cache of tool search in demo hits 60% of requests less than before.',
      "Of an hour's requests, against the day before; a drop by 20 % (of all requests) is the limit.",
    ),
  },
  {
    alert: 'CacheHitRatioDropped',
    title: 'seven of ten as ever',
    interval: '15m',
    series: cache(growing(21, 100), growing(9, 100)),
    at: '25h',
    fires: [],
  },
  {
    alert: 'CacheHitRatioDropped',
    title: 'too few to say',
    interval: '15m',
    series: cache('0+2.1x96 201.9+0.3x4', '0+0.9x96 89.1+2.7x4'),
    at: '25h',
    fires: [],
  },
  {
    alert: 'CacheHitRatioDropped',
    title: 'one hit the day before, and now every other time',
    interval: '15m',
    series: cache('0 1x95 11+10x3', '0x96 10+10x3'),
    at: '25h',
    fires: [],
  },
  {
    alert: 'ToolkitCacheHitRatioDropped',
    title: 'from seven to one of ten',
    interval: '15m',
    series: toolkitCache('0+21x96 2019+3x4', '0+9x96 891+27x4'),
    at: '25h',
    fires: scans,
  },
  {
    alert: 'ToolkitCacheHitRatioDropped',
    title: 'from six of ten to none, in a program that has begun anew',
    interval: '15m',
    series: {
      ...toolkitCache('0+18x96', '0+12x96'),
      ...toolkitCache('_x97', '_x96 1+30x4', 'b:1'),
    },
    at: '25h',
    fires: scans,
  },
  {
    alert: 'ToolkitCacheHitRatioDropped',
    title: 'seven of ten as ever',
    interval: '15m',
    series: toolkitCache(growing(21, 100), growing(9, 100)),
    at: '25h',
    fires: [],
  },
  {
    alert: 'ToolkitCacheHitRatioDropped',
    title: 'too few to say',
    interval: '15m',
    series: toolkitCache('0+2.1x96 201.9+0.3x4', '0+0.9x96 89.1+2.7x4'),
    at: '25h',
    fires: [],
  },
  {
    alert: 'ToolkitCacheHitRatioDropped',
    title: 'more made and closed, as many from the cache',
    interval: '15m',
    series: {
      ...toolkitCache(growing(21, 100), growing(9, 100)),
      [`toolweaver_toolkit_events_total{${j},toolkit="Scans",operation="create",status="success"}`]: '0+9x96 891+90x4',
      [`toolweaver_toolkit_events_total{${j},toolkit="Scans",operation="cleanup",status="success"}`]: '0+9x96 891+90x4',
    },
    at: '25h',
    fires: [],
  },
];

const health: readonly AlertCase[] = [
  {
    alert: 'HealthScoreLow',
    title: '40 in one of two instances',
    series: {
      [`toolweaver_skill_health_score{${j},skill_id="parse"}`]: '40x60',
      [`toolweaver_skill_health_score{job="${job}",instance="b:1",skill_id="parse"}`]: '90x60',
    },
    at: '30m',
    fires: fired(
      { skill_id: 'parse' },
      'warning',
      'Skill parse in demo has a health score of 40.',
      '60 of 100 is the limit. It is the latest score that the program has set.',
    ),
  },
  {
    alert: 'HealthScoreLow',
    title: '60',
    series: { [`toolweaver_skill_health_score{${j},skill_id="parse"}`]: '60x60' },
    at: '30m',
    fires: [],
  },
  {
    alert: 'EventsDropped',
    title: 'five, once',
    series: {
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="dropped",reason="queue_full"}`]: '0x20 5x20',
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="delivered"}`]: growing(100, 40),
    },
    at: '25m',
    fires: fired(
      { backend: 'sqlite', reason: 'queue_full' },
      'warning',
      'Events of demo did not reach sqlite: queue_full.',
      'About 5 in 15 minutes. Events left out by sampling are not counted.',
    ),
  },
  {
    alert: 'EventsDropped',
    title: 'only sampled',
    series: {
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="dropped",reason="sampled"}`]: growing(5, 40),
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="dropped",reason="queue_full"}`]: '5x40',
    },
    at: '25m',
    fires: [],
  },
  {
    alert: 'DeliveryStalled',
    title: 'one backend of two',
    series: {
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="delivered"}`]: '0+100x20 2000x40',
      [`toolweaver_analytics_events_total{${j},backend="prometheus",outcome="delivered"}`]: growing(100, 60),
    },
    at: '50m',
    fires: fired(
      { instance: 'a:1', backend: 'sqlite' },
      'warning',
      'a:1 of demo delivers nothing to sqlite.',
      'For 15 minutes, while other backends got events. They wait in its queue, unless EventsDropped fires, too.',
    ),
  },
  {
    alert: 'DeliveryStalled',
    title: 'a program with nothing to do',
    series: {
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="delivered"}`]: '0+100x20 2000x40',
      [`toolweaver_analytics_events_total{${j},backend="prometheus",outcome="delivered"}`]: '0+100x20 2000x40',
    },
    at: '50m',
    fires: [],
  },
  {
    alert: 'DeliveryStalled',
    title: 'another instance of the program',
    series: {
      [`toolweaver_analytics_events_total{${j},backend="sqlite",outcome="delivered"}`]: '2000x60',
      [`toolweaver_analytics_events_total{job="demo",instance="b:1",backend="prometheus",outcome="delivered"}`]:
        growing(100, 60),
    },
    at: '50m',
    fires: [],
  },
  {
    alert: 'LabelsOverflow',
    title: 'two a minute',
    series: {
      [`toolweaver_analytics_label_overflow_total{${j},metric="toolweaver_skill_executions_total"}`]: growing(2, 60),
    },
    at: '40m',
    fires: fired(
      { metric: 'toolweaver_skill_executions_total' },
      'info',
      'toolweaver_skill_executions_total of demo has reached its limit of label sets.',
      'About 30 events in 15 minutes went into its overflow series.',
    ),
  },
  {
    alert: 'LabelsOverflow',
    title: 'some long ago',
    series: { [`toolweaver_analytics_label_overflow_total{${j},metric="toolweaver_skill_executions_total"}`]: '9x60' },
    at: '40m',
    fires: [],
  },
  {
    alert: 'TargetDown',
    title: 'a program of ours, and one that was never one',
    series: {
      [`up{${j}}`]: '1x10 0x30',
      [`toolweaver_active_operations{${j}}`]: '3x10',
      'up{job="node",instance="a:9100"}': '0x40',
    },
    at: '25m',
    fires: fired(
      { instance: 'a:1' },
      'critical',
      'a:1 of demo does not answer to Prometheus.',
      'It was scraped within the last day, and is still among the targets.',
    ),
  },
  {
    alert: 'TargetDown',
    title: 'all is up',
    series: { [`up{${j}}`]: '1x40', [`toolweaver_active_operations{${j}}`]: '3x40' },
    at: '25m',
    fires: [],
  },
];

function operations(successes: string, failures: string): AlertCase['series'] {
  const requests = (status: string): string =>
    `toolweaver_request_total{${j},kind="operation",operation="sync",status="${status}"}`;
  return { [requests('success')]: successes, [requests('failure')]: failures };
}

function budget(
  long: string,
  cases: {
    readonly interval: string;
    readonly values: number;
    readonly at: string;
    /** Of ten executions in each interval. */
    readonly failing: number;
    readonly tolerable: number;
    readonly severity: string;
    readonly summary: string;
    readonly description: string;
  },
): AlertCase[] {
  const { interval, values, at, failing, tolerable, severity, summary, description } = cases;
  const alert = `ErrorBudgetBurn${long}`;
  const of = (failures: number, all: number) => operations(growing(all - failures, values), growing(failures, values));
  const recovered = (total: number): string => `${growing(failing, values)} ${failing * values}x${total}`;
  return [
    {
      alert,
      title: `${failing} of ten fail`,
      interval,
      series: of(failing, 10),
      at,
      fires: fired({ kind: 'operation' }, severity, `Executions of kind operation in demo ${summary}.`, description),
    },
    { alert, title: `${tolerable} of ten fail`, interval, series: of(tolerable, 10), at, fires: [] },
    { alert, title: 'too few to say', interval, series: of(0.001, 0.001), at, fires: [] },
    // The short window ends before the evaluation, the long one does not.
    {
      alert,
      title: 'it is over',
      interval,
      series: operations(growing(10 - failing, values * 2), recovered(values)),
      at: recoveredAt[long] as string,
      fires: [],
    },
  ];
}

/** Soon after the short window has nothing bad in it any more. */
const recoveredAt: Readonly<Record<string, string>> = { '1h': '90m', '6h': '10h', '1d': '29h', '3d': '90h' };

const budgets: readonly AlertCase[] = [
  ...budget('1h', {
    interval: '1m',
    values: 80,
    at: '75m',
    failing: 9,
    tolerable: 6,
    severity: 'critical',
    summary: 'spend their error budget more than 14.4 times too fast',
    description: '90% of them failed over 1h, and more than 72 % over 5m; 5 % of 30 days may.',
  }),
  ...budget('6h', {
    interval: '10m',
    values: 54,
    at: '8h',
    failing: 4,
    tolerable: 2.5,
    severity: 'critical',
    summary: 'spend their error budget more than 6 times too fast',
    description: '40% of them failed over 6h, and more than 30 % over 30m; 5 % of 30 days may.',
  }),
  ...budget('1d', {
    interval: '30m',
    values: 52,
    at: '26h',
    failing: 2,
    tolerable: 1,
    severity: 'warning',
    summary: 'spend their error budget more than 3 times too fast',
    description: '20% of them failed over 1d, and more than 15 % over 2h; 5 % of 30 days may.',
  }),
  ...budget('3d', {
    interval: '1h',
    values: 80,
    at: '80h',
    failing: 0.6,
    tolerable: 0.4,
    severity: 'warning',
    summary: 'spend their error budget faster than it lasts',
    description: '6% of them failed over 3d, and more than 5 % over 6h; 5 % of 30 days may.',
  }),
];

function tools(instance: string, successes: string, failures: string): AlertCase['series'] {
  const calls = (tool: string, status: string): string =>
    `toolweaver_tool_executions_total{job="${job}",instance="${instance}",tool_name="${tool}",toolkit="Scans",status="${status}"}`;
  return {
    [calls('ocr', 'success')]: successes,
    [calls('ocr', 'failure')]: failures,
    [calls('parse', 'success')]: successes,
    [calls('parse', 'failure')]: failures,
  };
}

const restarts: readonly AlertCase[] = [
  {
    alert: 'ErrorBudgetBurn1h',
    title: 'eight of ten calls of tools fail in two instances, one of which has begun anew',
    interval: '1m',
    series: {
      ...tools('a:1', growing(1, 80), growing(4, 80)),
      ...tools('b:1', `${growing(1, 40)} ${growing(1, 40)}`, `${growing(4, 40)} ${growing(4, 40)}`),
    },
    at: '75m',
    fires: fired(
      { kind: 'tool' },
      'critical',
      'Executions of kind tool in demo spend their error budget more than 14.4 times too fast.',
      '80% of them failed over 1h, and more than 72 % over 5m; 5 % of 30 days may.',
    ),
  },
];

export const alertCases: readonly AlertCase[] = [...outcomes, ...latency, ...costs, ...health, ...budgets, ...restarts];
