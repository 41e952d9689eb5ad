import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, runChild } from './support/child.ts';

let folder = '';
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'analytics-exit-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the host program; `lines` is what its far side holds afterwards. */
async function host(task: object): Promise<Ended & { readonly lines: string[] }> {
  files += 1;
  const file = join(folder, `${files}.txt`);
  writeFileSync(file, '');
  const ended = await runChild(new URL('./fixtures/exit.ts', import.meta.url), { file, ...task });
  return { ...ended, lines: readFileSync(file, 'utf8').split('\n').slice(0, -1) };
}

const three = ['client 1 event 1', 'client 1 event 2', 'client 1 event 3'];
const quiet = { stdout: '', stderr: '' };

describe.concurrent('when the process ends, what is queued is delivered synchronously', () => {
  test('at its natural end, without waiting for a timer', async () => {
    expect(await host({ end: 'return' })).toEqual({ code: 0, signal: null, lines: three, ...quiet });
  });

  test('by process.exit', async () => {
    expect(await host({ end: 'exit' })).toEqual({ code: 3, signal: null, lines: three, ...quiet });
  });

  test('by an uncaught error, which is shown as ever', async () => {
    const ended = await host({ end: 'throw' });
    expect(ended).toMatchObject({ code: 1, lines: three, stdout: '' });
    expect(ended.stderr).toContain('Error: of the host');
  });

  test('by an unhandled rejection', async () => {
    const ended = await host({ end: 'reject' });
    expect(ended).toMatchObject({ code: 1, lines: three, stdout: '' });
    expect(ended.stderr).toContain('Error: of the host');
  });

  test('also what the host records while it exits', async () => {
    expect(await host({ end: 'exit listener' })).toMatchObject({ code: 0, lines: [...three, 'at the exit'], ...quiet });
  });

  test('also what a hanging write has in its hands, once', async () => {
    const ended = await host({ end: 'flush', hang: true, events: 5 });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.lines).toEqual([...three, 'client 1 event 4', 'client 1 event 5']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, delivered: 0, queued: 5, error: { code: 'TIMEOUT' } });
  });

  test('what nobody can deliver any more is told of, unless it was flushed or closed', async () => {
    const unsent = (name: string, what: string) => `${name}: ${what}, as the process exits without close()\n`;
    const sums = unsent('sums', 'what came after the last flush() may not have been sent');
    for (const end of ['return', 'exit']) {
      expect((await host({ end, push: true })).stdout).toBe(unsent('queued', '3 events lost') + sums);
    }
    const flushed = await host({ end: 'flush', push: true });
    expect(flushed.stdout).toContain('queued: 3 events lost, as the process exits');
    expect(flushed.stdout).not.toContain('sums: what came after');
    expect((await host({ end: 'close', push: true })).stdout).not.toContain('as the process exits');
    expect((await host({ end: 'return', push: true, events: 0 })).stdout).toBe('');
  });

  test('of all clients, without a warning about their number', async () => {
    const ended = await host({ end: 'return', clients: 25, events: 1 });
    expect(ended).toMatchObject({ code: 0, ...quiet });
    expect(ended.lines).toHaveLength(25);
  });
});

describe.skipIf(process.platform === 'win32')('on a signal', { concurrent: true }, () => {
  test('nothing is delivered unless that was asked for; the signal takes its course', async () => {
    expect(await host({ end: 'signal' })).toEqual({ code: null, signal: 'SIGTERM', lines: [], ...quiet });
  });

  test('everything is delivered when it was asked for; the signal takes its course', async () => {
    expect(await host({ end: 'signal', flushOnSignals: ['SIGINT', 'SIGTERM'] })).toEqual({
      code: null,
      signal: 'SIGTERM',
      lines: three,
      ...quiet,
    });
  });

  test('what nobody can deliver is told of, unless the host carries on', async () => {
    const ended = await host({ end: 'signal', flushOnSignals: ['SIGTERM'], push: true });
    expect(ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    expect(ended.stdout).toContain('queued: 3 events lost, as the process exits without close()');
    for (const [end, signal] of [
      ['signal twice', 'SIGUSR2'],
      ['signal without effect, twice', 'SIGWINCH'],
    ] as const) {
      expect((await host({ end, flushOnSignals: [signal], push: true })).stdout).toBe('');
    }
  });

  test('everything of all clients is delivered, without a warning about their number', async () => {
    const ended = await host({ end: 'signal', flushOnSignals: ['SIGTERM'], clients: 25, events: 1 });
    expect(ended).toMatchObject({ code: null, signal: 'SIGTERM', ...quiet });
    expect(ended.lines).toHaveLength(25);
  });

  test('a listener of the host decides what happens', async () => {
    expect(await host({ end: 'host listener', flushOnSignals: ['SIGTERM'] })).toEqual({
      code: 7,
      signal: null,
      lines: three,
      ...quiet,
    });
  });

  test('a listener of the host that listens once, since before the client, decides too', async () => {
    expect(await host({ end: 'host once', flushOnSignals: ['SIGTERM'] })).toEqual({
      code: 7,
      signal: null,
      lines: three,
      ...quiet,
    });
  });

  test('a listener that ends the process where nobody else listens does so', async () => {
    expect(await host({ end: 'last of the listeners', flushOnSignals: ['SIGTERM'] })).toEqual({
      code: null,
      signal: 'SIGTERM',
      lines: three,
      ...quiet,
    });
  });

  test('a host that carries on is served at the next signal too', async () => {
    const ended = await host({ end: 'signal twice', flushOnSignals: ['SIGUSR2'], events: 1 });
    expect(ended).toEqual({ code: null, signal: 'SIGKILL', lines: ['client 1 event 1', 'between'], ...quiet });
  });

  test('one that ends nothing is served each time', async () => {
    const ended = await host({ end: 'signal without effect, twice', flushOnSignals: ['SIGWINCH'], events: 1 });
    expect(ended).toEqual({ code: null, signal: 'SIGKILL', lines: ['client 1 event 1', 'between'], ...quiet });
  });
});

describe.concurrent('a client', () => {
  test('that is closed leaves no listener behind', async () => {
    const ended = await host({ end: 'close', clients: 3, flushOnSignals: ['SIGTERM'] });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const { before, after } = JSON.parse(ended.stdout);
    // One listener for all clients, for the exit and for the signal.
    expect({ before, after }).toEqual({ before: after + 2, after });
    expect(ended.lines).toHaveLength(9);
  });

  test.each(['none', 'throws', 'rejects'])(
    'prints nothing whatever goes wrong, with an onError that %s',
    async (onError) => {
      const ended = await runChild(new URL('./fixtures/quiet.ts', import.meta.url), { onError });
      expect(ended).toEqual({ code: 0, signal: null, ...quiet });
    },
  );

  test('that is only imported does nothing', async () => {
    const ended = await runChild(new URL('./fixtures/import.ts', import.meta.url), null);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const { before, after } = JSON.parse(ended.stdout);
    expect(after).toEqual(before);
  });
});
