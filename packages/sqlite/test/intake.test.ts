import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { createEncoder } from '../src/encode.ts';
import { createIntake, type Intake } from '../src/intake.ts';
import type { Slice } from '../src/slice.ts';
import { createWriter } from '../src/writer.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { expectRollupsHold } from './support/rollups.ts';
import { value } from './support/rows.ts';

interface Opened {
  readonly path: string;
  readonly intake: Intake;
  /** Whether another connection can write now. */
  isFree(): boolean;
}

async function openIntake(): Promise<Opened> {
  const path = join(testFolder(), 'analytics.db');
  const config = { path, busyTimeoutMs: 0, synchronous: 'normal' } as const;
  const db = await openForWriting(Database, config);
  const other = new Database(path, { timeout: 0 });
  onTestFinished(() => {
    db.close();
    other.close();
  });
  const writer = createWriter(db, config);
  const intake: Intake = createIntake(
    async () => writer,
    () => intake.pause(),
  );
  onTestFinished(() => intake.pause());
  return {
    path,
    intake,
    isFree() {
      try {
        other.exec('BEGIN IMMEDIATE; ROLLBACK');
        return true;
      } catch {
        return false;
      }
    },
  };
}

let names = 0;
function newName(): string {
  names += 1;
  return String(names);
}

/** So many slices of three executions each; unless a name is given, with names that nobody has used before. */
function slicesOf(
  count: number,
  change: (event: AnalyticsEvent, slice: number) => AnalyticsEvent = (event) => event,
  name = newName(),
): Slice[] {
  const encoder = createEncoder();
  return Array.from({ length: count }, (_, slice): Slice => {
    const events = Array.from({ length: 3 }, (_, at) =>
      change(execution({ name: `skill-${name}`, userId: `user-${name}-${at}`, orgId: 'org' }), slice),
    );
    return encoder.slice(events, 0, events.length);
  });
}

const count = (path: string): unknown => value(path, 'SELECT count(*) FROM executions WHERE name IS NOT NULL');

describe('a write in slices', () => {
  test('is under way from the first one on, and there with the last', async () => {
    const { path, intake, isFree } = await openIntake();
    const [first, second, third] = slicesOf(3) as [Slice, Slice, Slice];
    expect(await intake.take(1, first, false)).toBe(false);
    expect(isFree()).toBe(false);
    expect(await intake.take(1, second, false)).toBe(false);
    expect(count(path)).toBe(0);
    expect(await intake.take(1, third, true)).toBe(true);
    expect(count(path)).toBe(9);
    expect(isFree()).toBe(true);
    expectRollupsHold(path);
  });

  test('leaves the lock to others when the next slice is late', async () => {
    const { path, intake, isFree } = await openIntake();
    const [first, second, third] = slicesOf(3) as [Slice, Slice, Slice];
    await intake.take(1, first, false);
    await expect.poll(isFree).toBe(true);
    await intake.take(1, second, false);
    expect(isFree()).toBe(true);
    await intake.take(1, third, true);
    expect(count(path)).toBe(9);
    expectRollupsHold(path);
  });

  test('that is never completed is not there, and holds up no other', async () => {
    const { path, intake } = await openIntake();
    const abandoned = slicesOf(2);
    await intake.take(1, abandoned[0] as Slice, false);
    expect(await intake.take(2, slicesOf(1)[0] as Slice, true)).toBe(true);
    expect(count(path)).toBe(3);
    expect(value(path, 'SELECT count(*) FROM subjects')).toBe(1);
    expectRollupsHold(path);
  });

  test('with something wrong in it fails as a whole, after its last slice', async () => {
    const { path, intake, isFree } = await openIntake();
    const wrong = slicesOf(4, (event, slice) => ({ ...event, ...(slice === 1 && { at: -5 }) }), 'same');
    for (const slice of wrong.slice(0, 3)) {
      expect(await intake.take(1, slice, false)).toBe(false);
    }
    expect(isFree()).toBe(true);
    await expect(intake.take(1, wrong[3] as Slice, true)).rejects.toThrow('-5 is no time');
    expect(count(path)).toBe(0);
    // The numbers that it gave its names are forgotten with it.
    await intake.take(2, slicesOf(1)[0] as Slice, true);
    await intake.take(3, slicesOf(1, undefined, 'same')[0] as Slice, true);
    const same = "SELECT count(*) FROM executions WHERE name = 'skill-same' AND user_id LIKE 'user-same-%'";
    expect(value(path, same)).toBe(3);
    expect(count(path)).toBe(6);
    expectRollupsHold(path);
  });

  test('waits with all of it for who holds the lock', async () => {
    const { path, intake } = await openIntake();
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const [first, second] = slicesOf(2) as [Slice, Slice];
    expect(await intake.take(1, first, false)).toBe(false);
    other.exec('ROLLBACK');
    other.close();
    expect(await intake.take(1, second, true)).toBe(true);
    expect(count(path)).toBe(6);
  });

  test('is there once or not at all, whatever comes between its slices', async () => {
    const step = fc.constantFrom('slice', 'slice', 'slice', 'last', 'pause', 'other call', 'late');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { path, intake } = await openIntake();
        let [call, sent, expected] = [1, 0, 0];
        let slices = slicesOf(steps.length + 1);
        for (const what of steps) {
          if (what === 'pause') {
            intake.pause();
          } else if (what === 'late') {
            await setTimeout(25);
          } else if (what === 'other call') {
            [call, sent, slices] = [call + 1, 0, slicesOf(steps.length + 1)];
          } else {
            expect(await intake.take(call, slices[sent] as Slice, what === 'last')).toBe(what === 'last');
            sent += 1;
            if (what === 'last') {
              expected += 3 * sent;
              [call, sent, slices] = [call + 1, 0, slicesOf(steps.length + 1)];
            }
          }
        }
        expect(count(path)).toBe(expected);
        expectRollupsHold(path);
      }),
      { numRuns: 20 },
    );
  });
});

test('a host that is busy amid a write keeps no other process waiting', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const events = Array.from({ length: 5_000 }, () => execution({ name: 'parse' }));
  const written = backend.write(events);
  // A few slices are handed over by now.
  await setImmediate();
  await setImmediate();
  const other = new Database(path, { timeout: 0 });
  const deadline = Date.now() + 5_000;
  let free = false;
  while (!free && Date.now() < deadline) {
    // Long enough to begin with what there is. This thread does nothing else meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    try {
      other.exec('BEGIN IMMEDIATE; ROLLBACK');
      free = true;
    } catch {}
  }
  other.close();
  expect(free).toBe(true);
  expect(count(path)).toBe(0);
  await written;
  expect(count(path)).toBe(5_000);
  expect(await backend.reader.getSkillUsage('parse')).toMatchObject({ executions: 5_000 });
});
