// A smoke test against the service itself, by hand: WANDB_LIVE_TEST=1 WANDB_API_KEY=… node --conditions=@toolweaver/source test/live.ts
// Makes a run in the project analytics-wandb-live, and prints its page.
import { createAnalytics } from '@toolweaver/analytics-core';
import { histogram, image, plotly, startRun, table, wandb, wandbFromEnv } from '@toolweaver/analytics-wandb';

if (process.env['WANDB_LIVE_TEST'] !== '1') {
  console.error('This sends a run to wandb.ai; set WANDB_LIVE_TEST=1 and WANDB_API_KEY to do so.');
  process.exit(2);
}
const options = {
  ...wandbFromEnv(process.env),
  project: process.env['WANDB_PROJECT'] ?? 'analytics-wandb-live',
  onNotice: (notice: Error) => console.error(notice.message),
};
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

const run = await startRun({ ...options, runName: 'client', tags: ['live'], config: { lr: 0.1 } });
run.defineMetric('val/loss', { stepMetric: 'epoch' });
for (let epoch = 0; epoch < 5; epoch += 1) {
  run.log({ epoch, 'val/loss': 1 / (epoch + 1), odd: epoch === 2 ? Number.NaN : epoch });
}
run.log({
  hist: histogram([1, 2, 2, 3]),
  rows: table(['a', 'b'], [['x', 1]]),
  pixel: image(png),
  figure: plotly({ data: [{ y: [1, 2] }] }),
});
await run.saveFile('hello.txt', Buffer.from('hello'));
await run.logArtifact({ name: 'live', type: 'dataset', files: { 'hello.txt': Buffer.from('hello') } });
await run.finish();
console.log(run.online ? 'client: ' : 'client, FAILED OVER: ', run.location);

const backend = await wandb(options);
const analytics = createAnalytics({ backends: [backend], onError: ({ message }) => console.error(message) });
await analytics.trackRun({ name: 'backend', tags: ['live'] }, () => {
  analytics.recordToolInvocation({ toolName: 'search', success: true, latencyMs: 120, cost: { usd: 0.001 } });
  analytics.recordSkillExecution({ skillId: 'parse', success: false, error: { type: 'TimeoutError' } });
});
console.log((await analytics.flush()).ok ? 'backend: ' : 'backend, NOT DELIVERED: ', backend.settings['runs']);
console.log(await analytics.healthCheck());
await analytics.close();
