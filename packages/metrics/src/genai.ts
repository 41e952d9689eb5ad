import type { ExecutionEvent } from '@toolweaver/analytics-core';
import { allInputTokens } from '@toolweaver/analytics-core/backend';
import type { Metric } from './catalogue.ts';
import type { Family, NewHistograms } from './family.ts';
import { genaiProvider } from './genai-providers.ts';
import { createLabelSets } from './label-sets.ts';
import { createPaths, type Path } from './paths.ts';
import type { Recorder } from './recorder.ts';
import { createSurroundings, noSurroundings } from './surroundings.ts';
import { createTable } from './table.ts';

// The metrics of OpenTelemetry's conventions for generative AI, as of September 2026, when none of them was stable:
// https://github.com/open-telemetry/semantic-conventions-genai

const secondsBounds: readonly number[] = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const agentSecondsBounds: readonly number[] = [
  0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6,
];
const tokenBounds: readonly number[] = Array.from({ length: 14 }, (_, power) => 4 ** power);

const callLabels = ['gen_ai.operation.name', 'gen_ai.provider.name', 'gen_ai.request.model', 'error.type'];

/** All of them are histograms; success is the absence of `error.type`. */
export const genaiMetrics: Readonly<
  Record<'operationDuration' | 'tokenUsage' | 'executeTool' | 'invokeAgent', Metric>
> = {
  operationDuration: {
    name: 'gen_ai.client.operation.duration',
    type: 'histogram',
    unit: 's',
    help: 'GenAI operation duration.',
    labels: callLabels,
    bounds: secondsBounds,
  },
  tokenUsage: {
    name: 'gen_ai.client.token.usage',
    type: 'histogram',
    unit: '{token}',
    help: 'Number of input and output tokens used.',
    labels: [...callLabels, 'gen_ai.token.type'],
    bounds: tokenBounds,
  },
  executeTool: {
    name: 'gen_ai.execute_tool.duration',
    type: 'histogram',
    unit: 's',
    help: 'Tool execution duration.',
    labels: ['gen_ai.tool.name', 'error.type'],
    bounds: secondsBounds,
  },
  invokeAgent: {
    name: 'gen_ai.invoke_agent.duration',
    type: 'histogram',
    unit: 's',
    help: 'Agent invocation duration.',
    labels: ['gen_ai.agent.name', 'error.type'],
    bounds: agentSecondsBounds,
  },
};

/** The conventions' value for an unknown type of error. */
const unknownError = '_OTHER';

/** Creates the metrics of the GenAI conventions, with their own labels and buckets. `overflowOf`: see `createCatalogued`. */
export function genaiRecorder(
  maxLabelSets: number,
  newHistograms: NewHistograms,
  overflowOf: (metric: string) => () => void,
): Recorder {
  const families: Family[] = [];
  const paths = createPaths();
  const surroundings = createSurroundings([]);

  /** Returns a function that observes a value in each series; `shown` makes their labels from the label values of the path. */
  function histograms(metric: Metric, shown: readonly ((labels: readonly string[]) => readonly string[])[]) {
    const table = createTable();
    const { family, width, show, observe } = newHistograms(metric, table);
    if (family !== undefined) {
      families.push(family);
    }
    const places = shown.map(() => table.columns(width));
    const labelSets = createLabelSets({
      table,
      paths,
      surroundings,
      limit: maxLabelSets,
      seriesEach: shown.length,
      show({ labels, isOverflow }, row) {
        for (const [at, toLabels] of shown.entries()) {
          show({ labels: toLabels(labels), isOverflow }, row + (places[at] as number));
        }
      },
      onOverflow: overflowOf(metric.name),
    });
    return (path: Path, weight: number, ...values: number[]): void => {
      const row = labelSets.at(noSurroundings, ...path);
      for (const [at, value] of values.entries()) {
        observe(row + (places[at] as number), value, weight);
      }
    };
  }
  const durations = histograms(genaiMetrics.operationDuration, [(labels) => ['chat', ...labels]]);
  const tokens = histograms(genaiMetrics.tokenUsage, [
    (labels) => ['chat', ...labels, 'input'],
    (labels) => ['chat', ...labels, 'output'],
  ]);
  const tools = histograms(genaiMetrics.executeTool, [(labels) => labels]);
  const agents = histograms(genaiMetrics.invokeAgent, [(labels) => labels]);

  function recordCall(event: ExecutionEvent, errorType: string): void {
    const { provider = '', model = '', latencyMs, usage, weight = 1 } = event;
    const call: Path = [genaiProvider(provider), model, errorType];
    if (latencyMs !== undefined) {
      durations(call, weight, latencyMs / 1000);
    }
    if (usage !== undefined) {
      tokens(call, weight, allInputTokens(usage), usage.outputTokens + usage.reasoningTokens);
    }
  }

  return {
    families,
    record(event) {
      if (event.type !== 'execution') {
        return;
      }
      const { kind, name, success, latencyMs, error, weight = 1 } = event;
      const errorType = success ? '' : (error?.type ?? unknownError);
      if (kind === 'llm') {
        recordCall(event, errorType);
      } else if (kind === 'tool' && latencyMs !== undefined) {
        tools([name, errorType], weight, latencyMs / 1000);
      } else if (kind === 'agent' && latencyMs !== undefined) {
        agents([name, errorType], weight, latencyMs / 1000);
      }
    },
  };
}
