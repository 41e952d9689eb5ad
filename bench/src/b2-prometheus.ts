import type { Measure } from './figure.ts';
import { recording } from './recording.ts';

/** Measures the main thread's CPU time per recorded execution, through the client and with prom-client by hand. */
export const count: Measure = async (setting) => {
  const common = { measure: 'b2', into: 'prometheus', peer: 'prom-client' } as const;
  return [
    await recording(setting, { ...common, of: 'tool', orgs: false, target: 1 / 3 }),
    await recording(setting, { ...common, of: 'tool', orgs: true, target: 1 / 8 }),
    await recording(setting, { ...common, of: 'skill', orgs: false }),
    await recording(setting, { ...common, of: 'skill', orgs: true }),
  ];
};
