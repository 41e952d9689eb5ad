import { AnalyticsError } from '@toolweaver/analytics-core';
import { withDefinitions } from '../metric-definition.ts';
import type { RunInfo } from '../run-info.ts';
import type { EarlierRun } from '../service/operations.ts';
import type { ResumeMode } from '../settings/options.ts';

/** @throws AnalyticsError `INVALID_CONFIG` when the run is there, or is not, against what was wished. */
export function checkResume(resume: ResumeMode | undefined, isThere: boolean, id: string): void {
  if ((resume === 'must' && !isThere) || (resume === 'never' && isThere)) {
    const message = isThere ? `there is a run ${id} already` : `there is no run ${id} to continue`;
    throw new AnalyticsError('INVALID_CONFIG', `resume: ${message}, and resume is ${resume}`, {
      problems: [{ field: 'resume', message }],
    });
  }
}

/** What the program has set for the run so far. */
export type Said = { readonly [K in 'config' | 'tags']?: RunInfo[K] | undefined };

/** Merges the existing run into `info`: over what all runs have, and under what the program has set. */
export function inheritFrom(info: RunInfo, earlier: EarlierRun, said: Said): RunInfo {
  return {
    ...info,
    config: { ...info.config, ...earlier.config, ...said.config },
    tags: said.tags ?? [...new Set([...(info.tags ?? []), ...earlier.tags])],
    notes: info.notes ?? earlier.notes,
    metrics: withDefinitions(earlier.metrics, info.metrics),
    charts: earlier.charts,
  };
}
