// Draws the dashboards for the README, without Grafana: has a real Prometheus answer the queries of all panels about six hours
// of a made-up workload, which goes wrong in the last of them. Needs Debian's package prometheus.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dashboard, dashboardsOf, fill, type Target } from '../test/support/dashboards.ts';
import { query, type Sample } from '../test/support/query.ts';
import { openScene, type Scene } from '../test/support/scene.ts';
import { type Answered, drawDashboard, type Named } from './draw.ts';

const hours = 6;
const step = 180;

const folder = join(import.meta.dirname, '..', 'pictures');
const scene = await openScene({
  hours,
  trouble: (secondsAgo) => (secondsAgo < 1800 ? 'spike' : secondsAgo < 3600 ? 'some' : 'none'),
  isUnhurried: true,
});
try {
  mkdirSync(folder, { recursive: true });
  // Until the first scrape.
  await sleep(20_000);
  for (const dashboard of dashboardsOf()) {
    const file = join(folder, `${dashboard.uid.replace('toolweaver-', '')}.svg`);
    writeFileSync(file, drawDashboard(dashboard.title, await answer(scene, dashboard)));
    console.log(file);
  }
} finally {
  await scene.stop();
}

async function answer({ url, now }: Scene, { panels }: Dashboard): Promise<Answered[]> {
  const ask = async ({ expr, legendFormat }: Target, isRange: boolean): Promise<Named[]> => {
    const filled = fill(expr, { rateInterval: '4m', range: `${hours}h` });
    const range = { start: now - hours * 3600 + step, end: now - 60, step };
    const samples = await query(url, filled, isRange ? range : { time: now - 30 });
    return samples.map((sample) => ({ ...sample, name: nameOf(sample, legendFormat) }));
  };
  const answered: Answered[] = [];
  for (const panel of panels) {
    const isRange = panel.type === 'timeseries' || panel.type === 'heatmap';
    answered.push({ panel, answers: await Promise.all((panel.targets ?? []).map((target) => ask(target, isRange))) });
  }
  return answered;
}

function nameOf({ metric }: Sample, legend: string): string {
  const name =
    legend === '__auto'
      ? Object.values(metric).join(' ')
      : legend.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => metric[label] ?? '');
  return name.trim() || '(no name)';
}
