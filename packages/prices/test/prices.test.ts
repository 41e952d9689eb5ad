import { spawnSync } from 'node:child_process';
import { type AnalyticsError, createAnalytics, memory, type PriceQuestion } from '@toolweaver/analytics-core';
import { createPrices, type ModelPrice, type PricesOptions } from '@toolweaver/analytics-prices';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

const at = Date.UTC(2026, 5, 1, 12);
const usage = { inputTokens: 1000, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100, reasoningTokens: 0 };
const ask = (model: string, more: Partial<PriceQuestion> = {}): PriceQuestion => ({ model, usage, at, ...more });

async function own(...models: ModelPrice[]) {
  return createPrices({ models, table: false });
}

describe('prices of your own', () => {
  test('win over the table, and say so', async () => {
    const prices = await createPrices({ models: [{ model: 'GPT-4o', usdPer1M: { input: 1, output: 2 } }] });
    expect(prices.price(ask('gpt-4o'))).toEqual({ nanoUsd: 1_200_000, source: 'override' });
    expect(prices.price(ask('gpt-4o-mini'))?.source).toBe('computed');
  });

  test('for a thousand tokens or a million are the same', async () => {
    const prices = await own(
      { model: 'a', usdPer1K: { input: 0.0025, output: 0.01 } },
      { model: 'b', usdPer1M: { input: 2.5, output: 10 } },
    );
    expect(prices.price(ask('a'))).toEqual({ nanoUsd: 3_500_000, source: 'override' });
    expect(prices.price(ask('b'))).toEqual(prices.price(ask('a')));
  });

  test('apply to each class of tokens; reasoning costs what output does, unless it is said', async () => {
    const classes = {
      inputTokens: 1,
      cacheReadTokens: 10,
      cacheWriteTokens: 100,
      outputTokens: 1000,
      reasoningTokens: 10_000,
    };
    const rates = { input: 1, cacheRead: 2, cacheWrite: 3, output: 4 };
    const prices = await own({ model: 'a', usdPer1M: rates }, { model: 'b', usdPer1M: { ...rates, reasoning: 5 } });
    const nanos = (reasoning: number): number => 1000 * (1 + 20 + 300 + 4000 + 10_000 * reasoning);
    expect(prices.price(ask('a', { usage: classes }))?.nanoUsd).toBe(nanos(4));
    expect(prices.price(ask('b', { usage: classes }))?.nanoUsd).toBe(nanos(5));
  });

  test('with a hole price only what needs none of it', async () => {
    const prices = await own({ model: 'a', usdPer1M: { input: 1, output: 2 } });
    const cached = { ...usage, cacheReadTokens: 1 };
    expect(prices.price(ask('a', { usage: cached }))).toBeUndefined();
    expect(prices.price(ask('a'))).toBeDefined();
    expect(prices.unpricedModels()).toMatchObject([
      { model: 'a', calls: 1, reason: expect.stringContaining('cacheRead') },
    ]);
  });

  test('hold from their day on', async () => {
    const prices = await own(
      { model: 'a', from: '2026-03-01', usdPer1M: { input: 3, output: 0 } },
      { model: 'a', usdPer1M: { input: 1, output: 0 } },
      { model: 'a', from: '2026-05-01T12:00+02:00', usdPer1M: { input: 5, output: 0 } },
    );
    const priceAt = (time: string) => prices.price(ask('a', { at: Date.parse(time) }))?.nanoUsd;
    expect(priceAt('2026-02-28T23:59:59.999Z')).toBe(1_000_000);
    expect(priceAt('2026-03-01T00:00:00Z')).toBe(3_000_000);
    expect(priceAt('2026-05-01T09:59:59.999Z')).toBe(3_000_000);
    expect(priceAt('2026-05-01T10:00:00Z')).toBe(5_000_000);
  });

  test('the longest name that fits wins, and a provider over none', async () => {
    const input = (usd: number) => ({ usdPer1M: { input: usd, output: 0 } });
    const prices = await own(
      { model: '*', ...input(1) },
      { model: 'ours-*', ...input(2) },
      { model: 'ours-large*', ...input(3) },
      { model: 'ours-large', ...input(4) },
      { model: 'ours-large', provider: 'EU', ...input(5) },
    );
    const priceOf = (model: string, provider?: string) => prices.price(ask(model, { provider }))?.nanoUsd;
    expect([priceOf('other'), priceOf('ours-small'), priceOf('ours-large-2'), priceOf(' Ours-Large ')]).toEqual([
      1_000_000, 2_000_000, 3_000_000, 4_000_000,
    ]);
    expect([priceOf('ours-large', 'eu'), priceOf('ours-large', 'us')]).toEqual([5_000_000, 4_000_000]);
  });

  test('of a provider hold for the names that the AI SDK has for it, unless one of these has its own', async () => {
    const input = (usd: number) => ({ usdPer1M: { input: usd, output: 0 } });
    const prices = await own(
      { model: 'gpt-4.1', provider: 'openai', from: '2026-01-01', ...input(1) },
      { model: 'gpt-4.1', provider: 'openai.responses', ...input(3) },
    );
    const priceOf = (provider: string) => prices.price(ask('gpt-4.1', { provider }))?.nanoUsd;
    expect([priceOf('openai'), priceOf('OpenAI.chat'), priceOf('openai.responses'), priceOf('openaix')]).toEqual([
      1_000_000,
      1_000_000,
      3_000_000,
      undefined,
    ]);
  });

  test('are exact, and rounded once', async () => {
    const micro = fc.integer({ min: 0, max: 10 ** 9 });
    const count = fc.integer({ min: 0, max: 10 ** 7 });
    await fc.assert(
      fc.asyncProperty(micro, micro, count, count, async (input, output, read, write) => {
        const prices = await own({ model: 'a', usdPer1M: { input: input / 1e6, output: output / 1e6 } });
        const tokens = { ...usage, inputTokens: read, outputTokens: write };
        // In 10⁻³ nano-dollars a token, which are whole.
        const thousandths = BigInt(input) * BigInt(read) + BigInt(output) * BigInt(write);
        expect(prices.price(ask('a', { usage: tokens }))?.nanoUsd).toBe(Number((thousandths + 500n) / 1000n));
      }),
      { numRuns: 50 },
    );
  });

  test('that come to more than can be counted are none', async () => {
    const prices = await own({ model: 'a', usdPer1K: { input: 1_000_000, output: 0 } });
    expect(prices.price(ask('a', { usage: { ...usage, inputTokens: 2 ** 53 - 1 } }))).toBeUndefined();
    expect(prices.unpricedModels()[0]?.reason).toContain('more than can be counted');
  });
});

describe('the table', () => {
  test('knows what a price was at the time', async () => {
    const prices = await createPrices();
    // On 10 June 2025 it went down by four fifths.
    const change = Date.UTC(2025, 5, 10);
    const [first, last, before, after] = [change, change - 1, 0, at].map(
      (time) => prices.price(ask('o3', { at: time }))?.nanoUsd ?? 0,
    );
    expect(last).toBe((first ?? 0) * 5);
    expect([before, after]).toEqual([last, first]);
  });

  test.each([
    ['gpt-4o-mini', 'openai'],
    ['gpt-4o-mini', 'openai.chat'],
    ['gpt-4o-mini', 'azure.ai.openai'],
    ['claude-sonnet-4-5', 'anthropic'],
    ['claude-sonnet-4-5', 'anthropic.messages'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'amazon-bedrock'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'bedrock.anthropic.messages'],
    ['gemini-2.5-flash', 'gcp.gemini'],
    ['gemini-2.5-flash', 'gcp.vertex_ai'],
    ['gemini-2.5-flash', 'google.generative-ai'],
    ['models/gemini-2.5-flash', 'google'],
    ['mistral-large-latest', 'mistral_ai'],
    ['grok-4', 'x_ai'],
    ['grok-4', 'xai.chat'],
    ['gemini-2.5-flash', 'gcp.gen_ai'],
    ['deepseek-chat', 'deepseek'],
    ['llama-3.3-70b-versatile', 'groq'],
    ['anthropic/claude-sonnet-4.5', 'openrouter'],
    ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'togetherai'],
    ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'togetherai.chat'],
  ])('finds %s under the name %s for its provider', async (model, provider) => {
    const prices = await createPrices();
    expect(prices.price(ask(model, { provider }))).toBeDefined();
  });

  test('prices nothing for tokens of which it says nothing, unless the model is called free', async () => {
    const prices = await createPrices();
    const embed = { provider: 'openai', usage: { ...usage, outputTokens: 0 } };
    expect(prices.price(ask('text-embedding-3-small', embed))?.nanoUsd).toBe(20_000);
    expect(prices.price(ask('text-embedding-3-small', { ...embed, usage }))).toBeUndefined();
    expect(prices.price(ask('gpt-4o', { provider: 'github-copilot' }))).toBeUndefined();
    expect(prices.unpricedModels()).toMatchObject([
      { provider: 'github-copilot' },
      { model: 'text-embedding-3-small' },
    ]);
    const free = ask('mistral-nemo:free', { provider: 'mistral' });
    expect(prices.price(free)).toEqual({ nanoUsd: 0, source: 'computed' });
  });

  test('knows a provider that is part of the name', async () => {
    const prices = await createPrices();
    const plain = prices.price(ask('gpt-4o-mini'));
    expect(prices.price(ask('openai/gpt-4o-mini'))).toEqual(plain);
    expect(prices.price(ask('openai:gpt-4o-mini'))).toEqual(plain);
  });

  test('has no price for what runs at home, unless its provider is said', async () => {
    const prices = await createPrices();
    const names = ['deepseek-r1:7b', 'DeepSeek-R1:latest', 'deepseek-r1:1.5b-qwen-distill-q4_K_M'];
    for (const model of names) {
      expect(prices.price(ask(model))).toBeUndefined();
      expect(prices.price(ask(model.toLowerCase(), { provider: 'deepseek' }))).toBeDefined();
    }
    expect(prices.unpricedModels().map(({ model }) => model)).toEqual([...names].sort());
    expect(prices.price(ask('deepseek-r1'))).toBeDefined();
    expect(prices.price(ask('gpt-4o:extended'))).toBeDefined();
  });

  test('takes a provider for another where you say so, and guesses none', async () => {
    const question = ask('gpt-4o-mini', { provider: 'our-gateway' });
    const strict = await createPrices();
    expect(strict.price(question)).toBeUndefined();
    expect(strict.unpricedModels()).toMatchObject([
      { model: 'gpt-4o-mini', provider: 'our-gateway', reason: expect.stringContaining('our-gateway') },
    ]);
    const told = await createPrices({ providers: { 'Our-Gateway': 'openai' } });
    expect(told.price(question)).toEqual(strict.price(ask('gpt-4o-mini')));
    expect(told.price({ ...question, provider: 'our-gateway.chat' })).toEqual(told.price(question));
    const whole = await createPrices({ providers: { 'openai.ours': 'mistral' } });
    expect(whole.price({ ...question, provider: 'openai.ours' })).toBeUndefined();
  });

  test("finds by its name alone what is called over the AI SDK's gateway", async () => {
    const models = ['openai/gpt-4.1', 'anthropic/claude-sonnet-4.5', 'xai/grok-4'];
    const plain = await createPrices();
    const told = await createPrices({ providers: { gateway: 'openai' } });
    const costs = models.map((model) => plain.price(ask(model)));
    expect(costs[0]).toEqual({ nanoUsd: 2_800_000, source: 'computed' });
    for (const prices of [plain, told]) {
      for (const provider of ['gateway', 'Gateway', 'gateway.batch']) {
        expect(models.map((model) => prices.price(ask(model, { provider })))).toEqual(costs);
      }
      expect(prices.price(ask('openai/made-up', { provider: 'gateway' }))).toBeUndefined();
    }
    // Where you say what the gateway is, that comes first.
    expect(told.price(ask('gpt-4.1', { provider: 'gateway' }))).toEqual(costs[0]);
  });

  test('says the same, however often it is asked', async () => {
    const prices = await createPrices();
    const first = prices.price(ask('gemini-2.5-pro'));
    const large = prices.price(ask('gemini-2.5-pro', { usage: { ...usage, inputTokens: 300_000 } }));
    for (let name = 0; name < 1200; name += 1) {
      prices.price(ask(`made-up-${name}`));
    }
    expect(prices.price(ask('gemini-2.5-pro'))).toEqual(first);
    expect(prices.price(ask('gemini-2.5-pro', { usage: { ...usage, inputTokens: 300_000 } }))).toEqual(large);
  });

  test('is loaded only when it is wanted, and uses no network', () => {
    const program = `
      import { createPrices, usageFrom } from '@toolweaver/analytics-prices';
      import { createRequire, registerHooks } from 'node:module';
      import net from 'node:net';
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      net.Socket.prototype.connect = () => { throw new Error('no network'); };
      globalThis.fetch = () => { throw new Error('no network'); };
      const isLoaded = () => loaded.some((url) => url.includes('genai-prices'));
      await createPrices({ table: false });
      const before = isLoaded();
      const prices = await createPrices();
      const usage = { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 };
      const price = prices.price({ model: 'gpt-4o', usage, at: Date.now() });
      console.log(JSON.stringify([before, isLoaded(), price !== undefined]));
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--no-warnings', '--conditions=@toolweaver/source', '--input-type=module', '--eval', program],
      { cwd: import.meta.dirname, encoding: 'utf8' },
    );
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '[false,true,true]', stderr: '' });
  });
});

describe('models without a price', () => {
  test('are counted, with what is missing', async () => {
    const prices = await createPrices();
    for (const time of [3, 1, 2]) {
      expect(prices.price(ask('our-own-7b', { at: at + time }))).toBeUndefined();
    }
    expect(prices.price(ask('another'))).toBeUndefined();
    expect(prices.unpricedModels()).toEqual([
      {
        model: 'our-own-7b',
        provider: null,
        reason: expect.stringContaining('give a price of your own'),
        calls: 3,
        tokens: 3300,
        firstAt: at + 1,
        lastAt: at + 3,
      },
      { model: 'another', provider: null, reason: expect.any(String), calls: 1, tokens: 1100, firstAt: at, lastAt: at },
    ]);
  });

  test('do not fill the memory', async () => {
    const prices = await own();
    for (let name = 0; name < 1500; name += 1) {
      prices.price(ask(`made-up-${name}`));
    }
    const unpriced = prices.unpricedModels();
    expect(unpriced).toHaveLength(1001);
    expect(unpriced[0]).toMatchObject({ model: '(others)', calls: 500 });
  });
});

test('a client gives each call a cost: what the provider said first, then yours, then the table', async () => {
  const store = memory();
  const errors: AnalyticsError[] = [];
  const prices = await createPrices({ models: [{ model: 'ours', usdPer1M: { input: 1, output: 1 } }] });
  const analytics = createAnalytics({ backends: [store], prices, onError: (error) => void errors.push(error) });
  const tokens = { inputTokens: 1000, outputTokens: 100 };
  analytics.recordLlmCall({ model: 'gpt-4o-mini', success: true, usage: tokens, cost: { usd: 0.5 } });
  analytics.recordLlmCall({ model: 'ours', success: true, usage: tokens });
  analytics.recordLlmCall({ model: 'gpt-4o-mini', success: false, usage: tokens, at });
  analytics.recordLlmCall({ model: 'unheard-of', success: true, usage: tokens });
  analytics.recordLlmCall({ model: 'gpt-4o-mini', success: true });
  await analytics.close();
  expect(store.events.map((event) => event.type === 'execution' && event.cost)).toEqual([
    { nanoUsd: 500_000_000, source: 'provider' },
    { nanoUsd: 1_100_000, source: 'override' },
    { nanoUsd: 210_000, source: 'computed' },
    undefined,
    undefined,
  ]);
  expect(prices.unpricedModels()).toMatchObject([{ model: 'unheard-of', calls: 1 }]);
  expect(errors).toEqual([]);
});

test('nothing is printed', async () => {
  const methods = ['log', 'warn', 'error', 'info'] as const;
  const spies = methods.map((method) => vi.spyOn(console, method));
  const prices = await createPrices();
  prices.price(ask('gpt-4o'));
  prices.price(ask('unheard-of'));
  for (const spy of spies) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
});

describe('wrong options are refused, all of them at once', () => {
  const problemsOf = async (options: unknown): Promise<string[]> => {
    const error = await createPrices(options as PricesOptions).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
    return (error as AnalyticsError).problems.map(({ field, message }) => `${field} ${message}`);
  };
  const rates = { input: 1, output: 1 };

  test.each<[unknown, string[]]>([
    [null, ['options must be an object, got null']],
    [{ model: [] }, ['model is not an option; the options are models, providers, table']],
    [{ models: {} }, ['models must be a list of prices, got an object']],
    [{ models: [5] }, ['models[0] must be an object, got 5']],
    [{ models: [{ model: ' ', usdPer1M: rates }] }, ['models[0].model must be a non-blank string, got " "']],
    [
      { models: ['gpt-*-mini', '*-mini', 'gpt**', ' * '].map((model) => ({ model, usdPer1M: rates })) },
      [
        'models[0].model may have * at its end only, got "gpt-*-mini"',
        'models[1].model may have * at its end only, got "*-mini"',
        'models[2].model may have * at its end only, got "gpt**"',
      ],
    ],
    [{ models: [{ model: 'a' }] }, ['models[0] must have usdPer1K or usdPer1M, and not both']],
    [
      { models: [{ model: 'a', usdPer1K: rates, usdPer1M: rates }] },
      ['models[0] must have usdPer1K or usdPer1M, and not both'],
    ],
    [
      { models: [{ model: 'a', usdPer1M: { input: 1 } }] },
      ['models[0].usdPer1M.output must be 0, or US dollars from 1e-12 to 1000000, got undefined'],
    ],
    [
      { models: [{ model: 'a', usdPer1M: { input: 1_000_001, output: 1 } }] },
      ['models[0].usdPer1M.input must be 0, or US dollars from 1e-12 to 1000000, got 1000001'],
    ],
    [
      { models: [{ model: 'a', usdPer1M: { input: -1, output: 1 } }] },
      ['models[0].usdPer1M.input must be 0, or US dollars from 1e-12 to 1000000, got -1'],
    ],
    [
      { models: [{ model: 'a', usdPer1M: { ...rates, cached: 1 } }] },
      ['models[0].usdPer1M.cached is not an option; the options are input, output, cacheRead, cacheWrite, reasoning'],
    ],
    [
      { models: [{ model: 'a', usdPer1M: 5 }], tabel: false, providers: 5 },
      [
        'tabel is not an option; the options are models, providers, table',
        'providers must be an object whose values are names of providers',
        'models[0].usdPer1M must be an object, got 5',
      ],
    ],
    [
      { models: [{ model: 'a', eurPer1M: rates }] },
      [
        'models[0].eurPer1M is not an option; the options are model, provider, from, usdPer1K, usdPer1M',
        'models[0] must have usdPer1K or usdPer1M, and not both',
      ],
    ],
    [
      { models: [{ model: 'a', from: '1 March 2026', usdPer1M: rates }] },
      ['models[0].from must be a date such as 2026-03-01, or a time with its zone, got "1 March 2026"'],
    ],
    [
      {
        models: [
          { model: 'Gpt-4o*', provider: 'openai', from: '2026-03-01', usdPer1M: rates },
          { model: 'gpt-4o*', provider: 'OpenAI', from: '2026-03-01T00:00Z', usdPer1M: { input: 2, output: 2 } },
          { model: 'gpt-4o', provider: 'openai', from: '2026-03-01', usdPer1M: rates },
          { model: 'gpt-4o*', provider: 'openai', usdPer1M: rates },
          { model: 'gpt-4o*', usdPer1M: rates },
        ],
        providers: { ours: 'openai', theirs: 'nosuch' },
      },
      [
        'models[1] must differ from models[0] in its model, provider or from: one would never hold',
        'providers.theirs must be a provider of the price list, got "nosuch"',
      ],
    ],
    [
      {
        models: [
          { model: 'a', from: '2026-13-01', usdPer1M: rates },
          { model: 'a', from: '2026-02-30', usdPer1M: { input: 1e-13, output: 0 } },
          { model: 'b', provider: '', usdPer1M: rates },
        ],
        providers: { a: 5 },
        table: 'no',
      },
      [
        'providers must be an object whose values are names of providers',
        'models[0].from must be a date such as 2026-03-01, or a time with its zone, got "2026-13-01"',
        'models[1].from must be a date such as 2026-03-01, or a time with its zone, got "2026-02-30"',
        'models[1].usdPer1M.input must be 0, or US dollars from 1e-12 to 1000000, got 1e-13',
        'models[2].provider must be a non-blank string, got ""',
        'table must be true or false, got "no"',
      ],
    ],
  ])('%j', async (options, problems) => {
    expect(await problemsOf(options)).toEqual(problems);
  });

  test('also values that have no text', async () => {
    const usdPer1M = { input: Object.create(null), output: Symbol('free') };
    expect(await problemsOf({ models: [{ model: 'a', from: 10n, usdPer1M }] })).toEqual([
      'models[0].from must be a date such as 2026-03-01, or a time with its zone, got a bigint',
      'models[0].usdPer1M.output must be 0, or US dollars from 1e-12 to 1000000, got a symbol',
      'models[0].usdPer1M.input must be 0, or US dollars from 1e-12 to 1000000, got an object',
    ]);
  });
});
