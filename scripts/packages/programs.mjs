// Programs that use the packages as users do. Each throws when something is wrong.
const analytics = '@toolweaver/analytics';
const adapters = '@toolweaver/analytics-adapters';
const collector = '@toolweaver/analytics-collector';
const core = '@toolweaver/analytics-core';
const grafana = '@toolweaver/analytics-grafana';
const metrics = '@toolweaver/analytics-metrics';
const otlp = '@toolweaver/analytics-otlp';
const prices = '@toolweaver/analytics-prices';
const prometheus = '@toolweaver/analytics-prometheus';
const sqlite = '@toolweaver/analytics-sqlite';
const testkit = '@toolweaver/analytics-testkit';
const wandb = '@toolweaver/analytics-wandb';

/** A server that counts push requests. */
const startReceiver = `
      let requests = 0;
      const receiver = createServer((_, response) => { requests += 1; response.end(); });
      await new Promise((resolve) => receiver.listen(0, '127.0.0.1', () => resolve(undefined)));
      const address = receiver.address();
      assert.ok(typeof address === 'object' && address !== null);`;

export const programs = [
  {
    title: 'the front alone names the command that installs a backend',
    needs: [analytics, core],
    program: `
      import assert from 'node:assert/strict';
      import { createAnalyticsClient } from '${analytics}';
      await assert.rejects(createAnalyticsClient(), (error) => {
        assert.equal(error.code, 'BACKEND_NOT_INSTALLED');
        assert.ok(error.message.includes('npm install ${sqlite}'), error.message);
        return true;
      });
    `,
  },
  {
    title: 'the front with the SQLite backend records and reads back',
    isBackend: true,
    needs: [analytics, core, sqlite],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { createAnalyticsClient } from '${analytics}';
      const client = await createAnalyticsClient();
      client.recordSkillExecution({ skillId: 'x', success: true, latencyMs: 12 });
      await client.flush();
      assert.equal((await client.reader.getSkillUsage('x', { days: 1 })).executions, 1);
      await client.close();
    `,
  },
  {
    title: 'the front with the Prometheus backend shows what it counted',
    isBackend: true,
    needs: [analytics, core, metrics, prometheus],
    // prom-client depends on it.
    shared: ['@opentelemetry/api'],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { createAnalyticsClient } from '${analytics}';
      import { prometheus } from '${prometheus}';
      const backend = await prometheus({ port: 0, defaultMetrics: true });
      const client = await createAnalyticsClient({ backend: 'memory', additionalBackends: [backend] });
      client.recordSkillExecution({ skillId: 'x', success: true, latencyMs: 12 });
      const text = await (await fetch(backend.url ?? '')).text();
      assert.match(text, /^toolweaver_skill_executions_total\\{skill_id="x"\\} 1$/m);
      assert.match(text, /^process_cpu_seconds_total /m);
      await client.close();
    `,
  },
  {
    title: 'the front with the W&B backend writes an offline run, and the client another',
    isBackend: true,
    needs: [analytics, core, wandb],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { readdirSync } from 'node:fs';
      import { createAnalyticsClient } from '${analytics}';
      import { startRun } from '${wandb}';
      const client = await createAnalyticsClient({ backend: 'wandb', env: { WANDB_MODE: 'offline' } });
      client.recordSkillExecution({ skillId: 'x', success: true, latencyMs: 12 });
      await client.close();
      const run = await startRun({ mode: 'offline' });
      run.log({ loss: 1 });
      await run.finish();
      assert.equal(readdirSync('wandb').filter((name) => name.startsWith('offline-run-')).length, 2);
    `,
  },
  {
    title: 'prices give a call its cost',
    needs: [core, prices],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { createAnalytics, memory } from '${core}';
      import { createPrices, usageFrom } from '${prices}';
      const backend = memory();
      const client = createAnalytics({ backends: [backend], prices: await createPrices() });
      const { usage } = usageFrom({ usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 } });
      client.recordLlmCall({ model: 'gpt-4o-mini', success: true, usage });
      await client.close();
      const [event] = backend.events;
      assert.deepEqual(event?.type === 'execution' && event.cost, { nanoUsd: 210_000, source: 'computed' });
    `,
  },
  {
    title: 'adapters and a collector work without the libraries that they adapt',
    needs: [core, prices, adapters, collector],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { createAnalytics } from '${core}';
      import { trackToolkit } from '${adapters}';
      import { createCollector } from '${collector}';
      for (const subpath of ['ai-sdk', 'langchain', 'mcp', 'openai-agents']) {
        assert.equal(Object.keys(await import('${adapters}/' + subpath)).length, 1);
      }
      const collector = createCollector();
      const client = createAnalytics({ backends: [collector.backend] });
      const { add } = trackToolkit(client, { add: (/** @type {number} */ a, /** @type {number} */ b) => a + b }, { name: 'math' });
      assert.equal(add(1, 2), 3);
      assert.equal(collector.summary().totalOperations, 1);
      await client.close();
    `,
  },
  {
    title: 'the front with the OTLP backend pushes, and says so when nobody is there',
    isBackend: true,
    needs: [analytics, core, metrics, otlp],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { createServer } from 'node:http';
      import { createAnalyticsClient } from '${analytics}';
      ${startReceiver}
      const env = {
        OTLP_ENDPOINT: 'http://127.0.0.1:' + address.port,
        OTLP_PUSH_INTERVAL: '3600',
        OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      };
      const client = await createAnalyticsClient({ backend: 'otlp', env });
      client.recordSkillExecution({ skillId: 'x', success: true, latencyMs: 12 });
      assert.equal((await client.flush()).ok, true);
      assert.equal(requests, 1);
      await new Promise((resolve) => receiver.close(resolve));
      assert.equal((await client.close()).backends['otlp']?.error?.code, 'BACKEND_UNAVAILABLE');
    `,
  },
  {
    title: 'all backends at once, by their names',
    isBackend: true,
    needs: [analytics, core, metrics, otlp, prometheus, sqlite, wandb],
    types: true,
    program: `
      import assert from 'node:assert/strict';
      import { readdirSync } from 'node:fs';
      import { createServer } from 'node:http';
      import { createAnalyticsClient } from '${analytics}';
      ${startReceiver}
      const client = await createAnalyticsClient({
        backend: 'sqlite,prometheus,otlp,wandb',
        env: {
          PROMETHEUS_PORT: '0',
          OTLP_ENDPOINT: 'http://127.0.0.1:' + address.port,
          // The first automatic push happens at a random time within the interval.
          OTLP_PUSH_INTERVAL: '3600',
          WANDB_MODE: 'offline',
        },
      });
      client.recordSkillExecution({ skillId: 'x', success: true, latencyMs: 12 });
      assert.equal((await client.flush()).ok, true);
      assert.equal((await client.reader.getSkillUsage('x', { days: 1 })).executions, 1);
      const url = String(client.getConfigSummary().backends['prometheus']?.['url']);
      assert.match(await (await fetch(url)).text(), /^toolweaver_skill_executions_total\\{skill_id="x"\\} 1$/m);
      assert.equal(requests, 1);
      assert.equal((await client.close()).ok, true);
      assert.equal(readdirSync('wandb').filter((name) => name.startsWith('offline-run-')).length, 1);
      receiver.close();
    `,
  },
  {
    title: 'the command that writes dashboards and alerts',
    needs: [core, metrics, grafana],
    program: `
      import assert from 'node:assert/strict';
      import { execFileSync } from 'node:child_process';
      import { readFileSync } from 'node:fs';
      import { join } from 'node:path';
      const shell = process.platform === 'win32';
      execFileSync(join('node_modules', '.bin', 'toolweaver-grafana'), ['write', 'monitoring', '--namespace', 'acme'], { shell });
      const { title } = JSON.parse(readFileSync('monitoring/dashboards/acme-overview.json', 'utf8'));
      assert.equal(title, 'Acme / Overview');
      assert.ok(readFileSync('monitoring/rules/acme-alerts.yaml', 'utf8').includes('alert: AcmeErrorSpike'));
    `,
  },
  {
    title: 'the command that looks after a database',
    needs: [core, sqlite],
    program: `
      import assert from 'node:assert/strict';
      import { execFileSync } from 'node:child_process';
      import { join } from 'node:path';
      import { createAnalytics } from '${core}';
      import { sqlite } from '${sqlite}';
      const client = createAnalytics({ backends: [await sqlite({ path: 'events.db' })] });
      client.recordSkillExecution({ skillId: 'x', success: true });
      await client.close();
      const shell = process.platform === 'win32';
      const run = (...args) =>
        JSON.parse(execFileSync(join('node_modules', '.bin', 'toolweaver-sqlite'), [...args, '--db', 'events.db', '--json'], { shell }));
      assert.equal(run('summary').executions, 1);
      assert.equal(run('export', 'events.jsonl').events, 1);
      assert.deepEqual(run('check'), { ok: true, problems: [] });
    `,
  },
  {
    title: 'the test kit under node:test',
    needs: [core, testkit],
    file: 'main.test.js',
    program: `
      import { test } from 'node:test';
      import { memory } from '${core}';
      import { laws, tally, testBackend } from '${testkit}';
      testBackend({
        test,
        create() {
          const backend = memory();
          return { backend, observe: () => tally(backend.events) };
        },
        skip: laws
          .filter(({ only }) => only !== 'secrets')
          .filter(({ needs = [] }) => ['breakFarSide', 'repairFarSide', 'reopen'].some((need) => needs.includes(need)))
          .map(({ law }) => ({ law, reason: 'what is in memory cannot break, and ends with the process' })),
      });
    `,
  },
];
