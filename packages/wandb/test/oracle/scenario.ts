import { type RunClientOptions, startRun } from '@toolweaver/analytics-wandb';

/** What scenario.py does, by our client. Resolves to the run's page or directory. */
export async function playScenario(options: RunClientOptions, path: string): Promise<string> {
  const run = await startRun({
    ...options,
    project: 'oracle',
    entity: 'ada',
    runName: 'first',
    notes: 'two lines\nof notes',
    tags: ['a', 'b c'],
    group: 'g',
    jobType: 'train',
    config: { lr: 0.1, deep: { x: [1, null, 'é🧶'] }, flag: true },
  });
  run.defineMetric('epoch');
  // The second definition takes the place of the first.
  run.defineMetric('val/loss', { hidden: true, summary: ['max'] });
  await run.flush();
  run.defineMetric('val/loss', { stepMetric: 'epoch' });
  run.log({ loss: 1, 'val/loss': 0.5, epoch: 1, text: 'é🧶' });
  run.log({ nested: { x: 1, y: { z: 'deep' } }, list: [1, 2] });
  run.log({ nan: Number.NaN, up: Number.POSITIVE_INFINITY, down: Number.NEGATIVE_INFINITY });
  run.log({ a: 1 }, { step: 10 });
  run.log({ b: 2 }, { step: 10 });
  run.log({ c: 3 }, { step: 11 });
  run.log({ nested: { y: { w: 2 } } });
  // Without its x axis, and without values.
  run.log({ 'val/loss': 0.25 });
  run.log({ loss: null, nested: { y: { w: null } } });
  run.updateConfig({ batch: 8 });
  run.setSummary({ best: 0.25 });
  await run.saveFile('file.txt', { path });
  await run.logArtifact({
    name: 'data',
    type: 'dataset',
    metadata: { rows: 2 },
    files: { 'inside/file.txt': { path }, 'ref-x': { ref: 'https://example.com/x' } },
  });
  await run.finish({ exitCode: 3 });
  return run.location ?? '';
}
