import type { Dashboard } from '../dashboard.ts';
import type { ResolvedGrafanaOptions } from '../options.ts';
import { health } from './health.ts';
import { llm } from './llm.ts';
import { overview } from './overview.ts';
import { dashboardParts } from './parts.ts';
import { skills } from './skills.ts';
import { toolkits } from './toolkits.ts';
import { tools } from './tools.ts';

/** All dashboards, in the order in which to look at them. They query the metrics directly, so they need no recording rules. */
export function dashboards({ namespace, thresholds }: ResolvedGrafanaOptions): readonly Dashboard[] {
  const parts = dashboardParts(namespace, thresholds);
  return [overview, skills, tools, llm, toolkits, health].map((make) => make(parts));
}
