import { hash } from 'node:crypto';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { canonical } from '../canonical.ts';
import { formatUuid } from '../stored.ts';

// Ids for events without one, derived from the content of the event and the number of equal ones before it. The same rows thus
// get the same ids every time, from whatever file.

const tables = 4;
const slots = 2 ** 21;

/**
 * Returns a function that makes a UUID of version 8 (RFC 9562) for each event.
 *
 * Equal events are counted in a count-min sketch, whose 32 MiB suffice for any number of rows. In the same order the ids are
 * always the same; in another order a few may differ: less than one of 100 000 rows, 4000 of a million.
 */
export function rowIds(): (event: AnalyticsEvent) => string {
  let counts: Uint32Array | undefined;
  return (event) => {
    // Allocated on first use.
    counts ??= new Uint32Array(tables * slots);
    const { id: _, ...said } = event;
    const content = hash('sha256', canonical(said), 'buffer');
    let before = Number.POSITIVE_INFINITY;
    for (let table = 0; table < tables; table += 1) {
      const slot = table * slots + (content.readUInt32LE(table * 4) % slots);
      const count = counts[slot] as number;
      counts[slot] = count + 1;
      before = Math.min(before, count);
    }
    return uuidV8(hash('sha256', `${content.toString('hex')} ${before}`, 'buffer'));
  };
}

function uuidV8(random: Buffer): string {
  random.writeUInt8((random.readUInt8(6) & 0x0f) | 0x80, 6);
  random.writeUInt8((random.readUInt8(8) & 0x3f) | 0x80, 8);
  return formatUuid(random.subarray(0, 16));
}
