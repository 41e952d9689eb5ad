import { execution } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { loadDriver } from '../src/driver.ts';
import { createEncoder } from '../src/encode.ts';
import type { Failure } from '../src/failure.ts';
import type { Held, OpenDatabase } from '../src/held.ts';
import type { Message, Request } from '../src/protocol.ts';
import { createUpkeep } from '../src/store/upkeep.ts';
import { createWriter } from '../src/writer.ts';

const config = {
  path: ':memory:',
  busyTimeoutMs: 0,
  synchronous: 'normal',
  role: 'writer',
  maxBytes: 1024 * 1024,
} as const;

async function largeStore() {
  const db = await openForWriting(await loadDriver(), config, { thorough: false, onNotice() {} });
  onTestFinished(() => void db.close());
  const events = Array.from({ length: 8_000 }, () => execution({ attributes: { text: 'x'.repeat(200) } }));
  createWriter(db, config).write([createEncoder().slice(events, 0, events.length)]);
  return { db, file: '', realPath: ':memory:' };
}

function holding(current: () => OpenDatabase, open: Held['open'] = async () => current()): Held {
  return { isReplaced: () => false, current, close() {}, recover: () => undefined, open };
}

test('the size is looked after again once a file that could not be opened can be', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let store = await largeStore();
  let broken = false;
  const held = holding(
    () => store,
    async () => {
      if (broken) {
        throw new Error('too many open files');
      }
      return store;
    },
  );
  const asked: Message[] = [];
  const upkeep = createUpkeep(config, held, { notify() {}, enqueue: (message) => void asked.push(message) });
  const prunesAsked = (): Message[] => asked.filter(({ request }) => request.op === 'prune');

  upkeep.written();
  const [{ call, request }] = prunesAsked() as [Message];
  const prune = request as Request & { readonly op: 'prune' };
  expect(await upkeep.prune(call, prune)).toBeUndefined();
  vi.advanceTimersByTime(2_000);
  upkeep.written();
  expect(prunesAsked()).toHaveLength(1);

  broken = true;
  await expect(upkeep.prune(call, prune)).rejects.toThrow('too many');
  broken = false;
  store = await largeStore();
  vi.advanceTimersByTime(2_000);
  upkeep.written();
  expect(prunesAsked()).toHaveLength(2);
});

test('what is wrong while the size is looked at is told once, and again after it was right', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const sound = await largeStore();
  const broken = await largeStore();
  broken.db.close();
  let store = broken;
  const told: Failure[] = [];
  const notify = (notice: Failure): void => void told.push(notice);
  const upkeep = createUpkeep(
    config,
    holding(() => store),
    { notify, enqueue() {} },
  );
  const tellings: number[] = [];
  for (store of [broken, broken, sound, broken]) {
    upkeep.written();
    vi.advanceTimersByTime(2_000);
    tellings.push(told.length);
  }
  expect(tellings).toEqual([1, 1, 1, 2]);
});
