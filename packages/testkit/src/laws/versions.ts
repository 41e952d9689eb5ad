import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, cents, dayMs, estimate, minuteMs } from './answers.ts';

/** What readers say of versions. */
export const versionLaws: readonly Law[] = [
  {
    law: 'versions of a skill or another operation are compared, with 95 % confidence intervals',
    only: 'reader',
    check(trial) {
      const at = Date.now() - minuteMs;
      const one = { at, version: '1' };
      // Two executions of equal weight are as certain as two without weight, although they count as four.
      const two = { at, version: '2', weight: 2 };
      return answers(
        trial,
        [
          execution({ ...one, latencyMs: 90, cost: cents(1) }),
          execution({ ...one, latencyMs: 110, cost: cents(3), success: false }),
          execution({ ...one, at: at - 2 * dayMs }),
          execution({ ...one, name: 'other' }),
          execution({ ...one, kind: 'tool' }),
          execution({ ...one, kind: 'tool', orgId: 'acme', success: false }),
          execution({ ...two, kind: 'tool', orgId: 'acme' }),
          execution({ at }),
          execution({ ...two, latencyMs: 190, cost: cents(5) }),
          execution({ ...two, latencyMs: 210 }),
        ],
        [
          [
            'compareVersions',
            ['summarise', ['1', '2'], { days: 1 }],
            {
              kind: 'skill',
              name: 'summarise',
              versions: [
                {
                  version: '1',
                  executions: 2,
                  successRateEstimate: estimate(0.5, 0.0945, 0.9055),
                  latencyMs: { average: 100 },
                  averageLatencyMs: estimate(100, -27.06, 227.06),
                },
                {
                  version: '2',
                  executions: 4,
                  successRateEstimate: estimate(1, 0.3424, 1),
                  averageLatencyMs: estimate(200, 72.94, 327.06),
                  averageCostUsd: estimate(0.05),
                },
              ],
              difference: {
                successRate: estimate(0.5, -0.2726, 0.9055),
                averageLatencyMs: estimate(100, 39.15, 160.85),
                averageCostUsd: estimate(0.03),
              },
            },
            1e-3,
          ],
          [
            'compareVersions',
            ['summarise', ['3', '1']],
            {
              versions: [
                {
                  executions: 0,
                  successRate: null,
                  successRateEstimate: estimate(null),
                  averageLatencyMs: estimate(null),
                },
                { executions: 3 },
              ],
              difference: { successRate: estimate(null), averageLatencyMs: estimate(null) },
            },
          ],
          [
            'compareVersions',
            ['summarise', ['1', '2'], { kind: 'tool', orgId: 'acme' }],
            {
              kind: 'tool',
              versions: [
                { executions: 1, successes: 0 },
                { executions: 2, successes: 2 },
              ],
            },
          ],
        ],
      );
    },
  },
];
