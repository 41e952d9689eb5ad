import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { laws, type Skip, type Subject, testBackend } from '@toolweaver/analytics-testkit';
import { wandb } from '@toolweaver/analytics-wandb';
import { describe, expect, test } from 'vitest';
import { apiKey, fakeService } from './support/fake-service.ts';
import { newFolder } from './support/folder.ts';
import { parseValue, readRun } from './support/log-reader.ts';
import { observeRuns } from './support/observe.ts';

const skipEvents: readonly Skip[] = laws
  .filter(({ needs = [] }) => needs.includes('events'))
  .map(({ law }) => ({ law, reason: 'a row has the numbers of an event, not all of its fields' }));

const again = 'an event that is delivered again after a restart counts once';

describe('wandb() online', () => {
  testBackend({
    test,
    async create(): Promise<Subject> {
      const fake = await fakeService();
      const folder = newFolder();
      const open = () =>
        wandb({ apiKey, baseUrl: fake.url, dir: folder.path, netrc: '/dev/null', finishTimeoutMs: 1_000 });
      return {
        backend: await open(),
        observe() {
          expect(fake.violations).toEqual([]);
          // Nothing may have gone another way.
          expect(readdirSync(folder.path)).toEqual([]);
          const artifacts = fake.artifacts.filter(({ state }) => state === 'COMMITTED');
          return observeRuns(
            [...fake.runs.values()].map(({ id, displayName, tags, config, history, summary = '{}' }) => ({
              runId: ((config['run_id'] as { value: string } | undefined)?.value ?? id).replace(/^[a-z0-9]{8}$/, ''),
              name: displayName,
              tags,
              config: Object.fromEntries(
                Object.entries(config).flatMap(([key, setting]) =>
                  key === '_wandb' ? [] : [[key, (setting as { value: unknown }).value]],
                ),
              ),
              rows: history.map((line) => parseValue(line) as Record<string, unknown>),
              summary: parseValue(summary) as Record<string, unknown>,
              artifacts: artifacts
                .filter(({ input }) => input['runName'] === id)
                .map(({ input }) => ({ metadata: JSON.parse(String(input['metadata'])) })),
            })),
          );
        },
        breakFarSide: fake.breakDown,
        repairFarSide: fake.repair,
        reopen: open,
        secrets: [apiKey, Buffer.from(`api:${apiKey}`).toString('base64')],
        async dispose() {
          await fake.close();
          folder.dispose();
        },
      };
    },
    skip: [...skipEvents, { law: again, reason: 'the history of a run cannot be searched for an id' }],
  });
});

describe('wandb() offline', () => {
  testBackend({
    test,
    async create(): Promise<Subject> {
      const folder = newFolder();
      const dir = join(folder.path, 'runs');
      const open = () => wandb({ mode: 'offline', dir, entity: 'ada' });
      return {
        backend: await open(),
        observe() {
          const parent = join(dir, 'wandb');
          const names = existsSync(parent) ? readdirSync(parent).filter((name) => name.startsWith('offline-run-')) : [];
          return observeRuns(
            names.map((name) => {
              const id = name.replace(/^offline-run-\d+_\d+-/, '');
              const run = readRun(join(parent, name, `run-${id}.wandb`));
              return { ...run, runId: String(run.config['run_id'] ?? id) };
            }),
          );
        },
        reopen: open,
        dispose: folder.dispose,
      };
    },
    skip: [
      ...skipEvents,
      { law: again, reason: 'each process writes a directory of its own' },
      ...laws
        .filter(
          ({ needs = [], only }) => only !== 'secrets' && needs.some((need) => /^(break|repair)FarSide$/.test(need)),
        )
        .map(({ law }) => ({ law, reason: 'a directory does not break; a full disk has a test of its own' })),
    ],
  });
});
