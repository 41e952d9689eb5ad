import type { AnalyticsEvent, ExecutionEvent } from '@toolweaver/analytics-core';
import type { NewHistograms } from '../family.ts';
import type { ResolvedMetricsOptions } from '../options.ts';
import type { Recorder } from '../recorder.ts';
import type { Surroundings } from '../surroundings.ts';
import { createCatalogued } from './catalogued.ts';
import { outcomes, timed } from './outcomes.ts';
import { healthScores, ratings, skills } from './skills.ts';
import { type CostPlace, costs, tokens } from './spending.ts';
import { tools } from './tools.ts';

/**
 * Keeps the metrics of our own catalogue that are made of events. `onOverflow` is told the name of a metric whose label sets came
 * after the limit.
 */
export function toolweaverRecorder(
  options: ResolvedMetricsOptions,
  newHistograms: NewHistograms,
  onOverflow: (metric: string) => void,
): Recorder {
  const catalogued = createCatalogued(options, newHistograms, onOverflow);
  const ofSkills = skills(catalogued);
  const ofTools = tools(catalogued);
  const countCall = timed(catalogued, 'llmCalls', 'llmDuration');
  const countOther = timed(catalogued, 'requests', 'requestDuration');
  const countCache = outcomes(catalogued, 'cacheRequests', ['hit', 'miss']);
  const countToolkit = outcomes(catalogued, 'toolkitEvents', ['success', 'failure']);
  const addTokens = tokens(catalogued);
  const addCost = costs(catalogued);
  const rate = ratings(catalogued);
  const setHealth = healthScores(catalogued);

  function recordExecution(event: ExecutionEvent, around: Surroundings): void {
    const { kind, name, model = '', provider = '', cacheHit, usage, cost, weight = 1 } = event;
    let row = 0;
    let known: CostPlace | undefined;
    switch (kind) {
      case 'skill':
        row = ofSkills.count(event, around);
        known = ofSkills.costPlace;
        break;
      case 'tool':
        row = ofTools.count(event, around);
        known = ofTools.costPlace;
        break;
      case 'llm':
        countCall(around, event, model, provider);
        break;
      default:
        countOther(around, event, kind, name);
    }
    if (cacheHit !== undefined) {
      countCache(around, cacheHit, weight, kind, name);
    }
    if (usage !== undefined) {
      addTokens(model, usage, around, weight);
    }
    if (cost !== undefined) {
      addCost(event, cost, around, row, known);
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
        // The user's own numbers, runs and artifacts belong to one run: no labels could tell them apart.
      }
    },
  };
}
