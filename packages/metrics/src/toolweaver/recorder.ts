import type { AnalyticsEvent, ExecutionEvent } from '@toolweaver/analytics-core';
import type { NewHistograms } from '../family.ts';
import type { ResolvedMetricsOptions } from '../options.ts';
import type { Recorder } from '../recorder.ts';
import type { Surroundings } from '../surroundings.ts';
import { createCatalogued } from './catalogued.ts';
import { errors } from './errors.ts';
import { outcomes, timed } from './outcomes.ts';
import { healthScores, ratings, skills } from './skills.ts';
import { createCosts, tokens } from './spending.ts';
import { tools } from './tools.ts';

/** Keeps the metrics of our own catalogue that are counted from events. `overflowOf`: see `createCatalogued`. */
export function toolweaverRecorder(
  options: ResolvedMetricsOptions,
  newHistograms: NewHistograms,
  overflowOf: (metric: string) => () => void,
): Recorder {
  const catalogued = createCatalogued(options, newHistograms, overflowOf);
  const costs = createCosts(catalogued);
  const countSkill = skills(catalogued, costs);
  const countTool = tools(catalogued, costs);
  const countCall = timed(catalogued, 'llmCalls', 'llmDuration');
  const countCallError = errors(catalogued, 'llmErrors');
  const countOther = timed(catalogued, 'requests', 'requestDuration');
  const countCache = outcomes(catalogued, 'cacheRequests', ['hit', 'miss']);
  const countToolkit = outcomes(catalogued, 'toolkitEvents', ['success', 'failure']);
  const addTokens = tokens(catalogued);
  const rate = ratings(catalogued);
  const setHealth = healthScores(catalogued);

  function recordExecution(event: ExecutionEvent, around: Surroundings): void {
    const { kind, name, model = '', provider = '', cacheHit, usage, weight = 1 } = event;
    switch (kind) {
      case 'skill':
        countSkill(event, around);
        break;
      case 'tool':
        countTool(event, around);
        break;
      case 'llm':
        countCall(around, event, model, provider);
        if (!event.success) {
          countCallError(around, event, model, provider);
        }
        addCost(event, around);
        break;
      default:
        countOther(around, event, kind, name);
        addCost(event, around);
    }
    if (cacheHit !== undefined) {
      countCache(around, cacheHit, weight, kind, name);
    }
    if (usage !== undefined) {
      addTokens(model, usage, around, weight);
    }
  }

  function addCost(event: ExecutionEvent, around: Surroundings): void {
    if (event.cost !== undefined) {
      costs.add(event, event.cost.nanoUsd * (event.weight ?? 1), around);
    }
  }

  return {
    families: catalogued.families(),
    record(event: AnalyticsEvent) {
      const around = catalogued.surroundings.at(event);
      switch (event.type) {
        case 'execution':
          recordExecution(event, around);
          break;
        case 'rating':
          rate(event, around);
          break;
        case 'health':
          setHealth(event, around);
          break;
        case 'toolkit':
          countToolkit(around, event.success, 1, event.toolkit, event.operation);
          break;
        default:
        // Custom numbers, runs and artifacts belong to one run, and no label tells runs apart.
      }
    },
  };
}
