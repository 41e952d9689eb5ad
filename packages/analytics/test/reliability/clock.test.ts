import { createAnalytics } from '@toolweaver/analytics';
import { expect } from 'vitest';
import { jumpingClock, recordInJumps } from '../../../../test/support/jumping-clock.ts';
import { times, trial } from '../../../../test/support/trial.ts';
import { patiently } from '../../../sqlite/test/support/deliver.ts';
import { callsEverywhere, everywhere, offlineRuns } from '../support/everywhere.ts';
import { total } from '../support/figures.ts';

trial(
  'R23',
  'a wall clock that jumps: every backend has every event that had a time',
  async ({ random, add, watch }) => {
    const clock = jumpingClock(random);
    const place = await everywhere({ otlp: { clock }, wandb: { clock } });
    const analytics = watch(createAnalytics({ backends: place.backends, clock }));
    const jump = (): void => {
      clock.jump();
      add('jumps');
    };
    const { timed, untimed, longestMs } = await recordInJumps(clock, analytics, {
      count: times(1_500, 100),
      jump,
      async alsoRecord(left) {
        analytics.recordToolInvocation({ toolName: 'jumps', success: true });
        if (left % 25 === 0) {
          // Also what is asked of the far sides meanwhile.
          await analytics.flush();
        }
      },
    });
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    for (const [name, stats] of Object.entries(analytics.stats().backends)) {
      expect({ name, ...stats }).toMatchObject({ name, delivered: timed, dropped: { callback_error: untimed } });
    }
    const counted = Object.entries(await callsEverywhere(place)).map(([name, calls]) => [name, total(calls)]);
    expect(counted).toEqual(['sqlite', 'prometheus', 'otlp', 'wandb'].map((name) => [name, timed]));
    for (const { rows } of offlineRuns(place.folder)) {
      expect(rows.map((row) => row['_step'])).toEqual(rows.map((_, at) => at));
      const seconds = rows.map((row) => (row['jumps/duration'] as number | undefined) ?? 0);
      expect(seconds.every((duration) => duration >= 0 && duration * 1000 <= longestMs)).toBe(true);
      expect(rows.every((row) => Number.isFinite(row['_timestamp']) && Number.isFinite(row['_runtime']))).toBe(true);
    }
    add('rows', timed);
    add('withoutTime', untimed);
  },
);
