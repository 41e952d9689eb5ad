import { format, inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isSecret, redact, secret, secretsOfHeader } from '../src/for-backends.ts';
import { AnalyticsError, type MemoryBackend, memory, type Setting } from '../src/index.ts';
import { rig } from './support/rig.ts';

const canary = 'canary-5f1c9a';
const redacted = '[redacted]';

describe('a secret', () => {
  test.each<[string, (hidden: ReturnType<typeof secret>) => string]>([
    ['String', (hidden) => String(hidden)],
    ['a template', (hidden) => `${hidden}`],
    ['a concatenation', (hidden) => ''.concat(hidden as unknown as string)],
    ['toString', (hidden) => hidden.toString()],
    ['a list joined', (hidden) => [hidden].join()],
  ])('reads [redacted] through %s', (_, show) => {
    expect(show(secret(canary))).toBe(redacted);
  });

  test('reads [redacted] in JSON and where Node shows it', () => {
    const hidden = secret(canary);
    expect(JSON.stringify({ token: hidden })).toBe(`{"token":"${redacted}"}`);
    expect(inspect(hidden)).toBe(redacted);
    expect(inspect({ deep: [{ token: hidden }] }, { depth: null })).toBe(`{ deep: [ { token: ${redacted} } ] }`);
    expect(format('%s %o %O %j', hidden, hidden, hidden, hidden)).not.toContain(canary);
  });

  test('does not show through its properties either', () => {
    const hidden = secret(canary);
    const shown = [
      inspect(hidden, { customInspect: false, showHidden: true, depth: null, getters: true }),
      JSON.stringify(Object.getOwnPropertyDescriptors(hidden)),
      JSON.stringify({ ...hidden }),
      Object.entries(hidden).join(),
      new AnalyticsError('INTERNAL', `failed with ${hidden}`, { cause: hidden }).stack ?? '',
      inspect(new AnalyticsError('INTERNAL', 'x', { cause: { hidden } }), { depth: null }),
      `${Number(hidden as unknown as string)}`,
    ];
    expect(shown.filter((text) => text.includes(canary))).toEqual([]);
  });

  test('gives its value when asked for it, and cannot be changed', () => {
    const hidden = secret(canary);
    expect(hidden.reveal()).toBe(canary);
    expect(Object.isFrozen(hidden)).toBe(true);
  });

  test('is known from what only looks like it', () => {
    expect(isSecret(secret(canary))).toBe(true);
    for (const other of [undefined, null, canary, {}, { reveal: () => canary }, [secret(canary)]]) {
      expect(isSecret(other)).toBe(false);
    }
  });
});

describe('the configuration summary', () => {
  function withSettings(settings: { readonly [key: string]: Setting }): MemoryBackend {
    return { ...memory(), settings };
  }

  test('shows the settings in force, as plain JSON, without secrets at any depth', async () => {
    const settings = {
      url: 'https://example.org',
      timeoutMs: 5000,
      compressed: true,
      proxy: null,
      token: secret(canary),
      headers: { authorization: secret(canary), 'x-team': 'a' },
      endpoints: ['a', secret(canary), { key: secret(canary) }],
    };
    const { analytics } = rig({}, { backends: [withSettings(settings)], sampleRate: 0.5, maxQueueEvents: 10 });
    const summary = analytics.getConfigSummary();
    expect(summary).toEqual({
      sampleRate: 0.5,
      maxQueueEvents: 10,
      maxQueueBytes: 32 * 1024 * 1024,
      backends: {
        memory: {
          url: 'https://example.org',
          timeoutMs: 5000,
          compressed: true,
          proxy: null,
          token: redacted,
          headers: { authorization: redacted, 'x-team': 'a' },
          endpoints: ['a', redacted, { key: redacted }],
        },
      },
    });
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });

  test('says why settings that are no JSON cannot be shown, and shows all others', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const unreadable = {
      toJSON() {
        throw new Error('mine');
      },
    };
    const odd = [{ size: 10n }, cycle, unreadable].map((settings, at) => ({
      ...withSettings(settings as never),
      name: `odd ${at}`,
    }));
    const { analytics } = rig({}, { backends: [withSettings({ a: 1 }), ...odd] });
    expect(analytics.getConfigSummary().backends).toEqual({
      memory: { a: 1 },
      'odd 0': { error: expect.stringContaining('BigInt') },
      'odd 1': { error: expect.stringContaining('circular') },
      'odd 2': { error: 'Error: mine' },
    });
  });

  test('is a copy', () => {
    const settings = { list: ['a'] };
    const { analytics } = rig({}, { backends: [withSettings(settings)] });
    const summary = analytics.getConfigSummary();
    settings.list.push('b');
    expect(summary.backends['memory']).toEqual({ list: ['a'] });
  });

  test('and everything else that a client shows hold no secret', async () => {
    const backend = withSettings({ token: secret(canary) });
    backend.check = () => Promise.reject(new Error(`401 for ${backend.settings['token']}`));
    const { analytics, errors } = rig({}, { backends: [backend] });
    analytics.record(undefined as never);
    const shown = [
      inspect(analytics, { depth: null, showHidden: true }),
      inspect(backend, { depth: null, showHidden: true }),
      JSON.stringify([analytics, backend, analytics.stats(), analytics.getConfigSummary()]),
      inspect([await analytics.healthCheck(), await analytics.flush(), errors], { depth: null, showHidden: true }),
    ];
    expect(shown.filter((text) => text.includes(canary))).toEqual([]);
  });
});

describe('what others say', () => {
  test('loses the secrets that it repeats, in the forms in which they travel', () => {
    const key = 'key/+5f1c9a';
    const said = `${key} ${encodeURIComponent(key)} ${Buffer.from(key).toString('base64')} ${key}`;
    expect(redact(`no: ${said}`, [canary, key])).toBe('no: [redacted] [redacted] [redacted] [redacted]');
  });

  test('loses a secret as a whole that has another one in it', () => {
    expect(redact('x hunter2hunter2-prod y', ['hunter2hunter2', 'hunter2hunter2-prod'])).toBe('x [redacted] y');
  });

  const basic = Buffer.from('ada:pass:word').toString('base64');
  test.each([
    ['glc_token', ['glc_token']],
    ['Bearer glc_token', ['Bearer glc_token', 'glc_token']],
    ['Api-Token  a b ', ['Api-Token  a b ', 'a b']],
    [`Basic ${basic}`, [`Basic ${basic}`, basic, 'ada:pass:word', 'pass:word']],
    [`basic ${basic}`, [`basic ${basic}`, basic, 'ada:pass:word', 'pass:word']],
    ['', []],
  ])('the secrets of the header %j are %j', (header, secrets) => {
    expect(secretsOfHeader(header)).toEqual(secrets);
  });

  test('keeps its words where a secret is none', () => {
    expect(redact('a team is needed', ['', 'a', 'team'])).toBe('a team is needed');
  });
});
