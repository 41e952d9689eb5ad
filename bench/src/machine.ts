import { arch, cpus, loadavg, platform } from 'node:os';

export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cpus: number;
  /** The 1-minute load average before the first measure. Unless it is well below `cpus`, the figures are noisy. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    node: process.versions.node,
    platform: `${platform()}-${arch()}`,
    cpu: all[0]?.model.trim() || 'unknown',
    cpus: all.length,
    loadAverage: Math.round((loadavg()[0] as number) * 100) / 100,
  };
}
