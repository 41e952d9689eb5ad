// Packs every public package, has publint and attw judge the tarballs, and uses them as strangers do: installed by npm
// outside the workspace. Expects a finished build; leaves the tarballs in artifacts/.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const artifacts = join(root, 'artifacts');
const analytics = '@toolweaver/analytics';
const core = '@toolweaver/analytics-core';
const grafana = '@toolweaver/analytics-grafana';
const metrics = '@toolweaver/analytics-metrics';
const otlp = '@toolweaver/analytics-otlp';
const sqlite = '@toolweaver/analytics-sqlite';
const prices = '@toolweaver/analytics-prices';
const adapters = '@toolweaver/analytics-adapters';
const collector = '@toolweaver/analytics-collector';
const prometheus = '@toolweaver/analytics-prometheus';
const testkit = '@toolweaver/analytics-testkit';
const wandb = '@toolweaver/analytics-wandb';

function run(command, args, cwd, env = process.env) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 180_000 });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: exit ${status}\n${error ?? ''}${stdout}${stderr}`);
  }
  return stdout;
}

/** Name → path of the tarball. */
function packAll() {
  rmSync(artifacts, { recursive: true, force: true });
  mkdirSync(artifacts);
  const tarballs = new Map();
  for (const folder of readdirSync(join(root, 'packages'))) {
    const cwd = join(root, 'packages', folder);
    const { name } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    const { filename } = JSON.parse(run('pnpm', ['pack', '--json', '--pack-destination', artifacts], cwd));
    run('publint', ['run', filename, '--strict'], root);
    run('attw', [filename, '--profile', 'esm-only', '--no-color'], root);
    tarballs.set(name, filename);
    console.log(`packed ${name}`);
  }
  return tarballs;
}

/** Installs some of the tarballs into an empty project and runs a program there that throws when it is not content. */
function use(title, tarballs, { packages, file = 'main.js', program, types = false, absent = [] }) {
  const cwd = mkdtempSync(join(tmpdir(), 'consumer-'));
  try {
    writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const terse = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error'];
    run('npm', ['install', ...terse, ...packages.map((name) => tarballs.get(name))], cwd);
    const unwanted = absent.filter((name) => existsSync(join(cwd, 'node_modules', name)));
    if (unwanted.length > 0) {
      throw new Error(`${title}: installed although nobody asked for it: ${unwanted.join(', ')}`);
    }
    writeFileSync(join(cwd, file), program);
    // A home of its own and no settings: whatever the defaults create ends up in the throwaway folder.
    run('node', [file], cwd, { PATH: process.env.PATH, HOME: cwd });
    if (types) {
      typecheck(cwd, file);
    }
    console.log(`works: ${title}`);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** The way a strict stranger compiles: without skipLibCheck, so that our declarations are judged too. */
function typecheck(cwd, file) {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  };
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  run('tsc', ['-p', cwd], root);
}

const tarballs = packAll();

use('the front alone names the command that installs a backend', tarballs, {
  packages: [analytics, core],
  absent: ['better-sqlite3', 'kysely', sqlite],
  program: `
    import assert from 'node:assert/strict';
    import { createAnalyticsClient } from '${analytics}';
    await assert.rejects(createAnalyticsClient(), (error) => {
      assert.equal(error.code, 'BACKEND_NOT_INSTALLED');
      assert.ok(error.message.includes('npm install ${sqlite}'), error.message);
      return true;
    });
  `,
});

use('the front with the SQLite backend records and reads back', tarballs, {
  packages: [analytics, core, sqlite],
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
});

use('the front with the Prometheus backend shows what it counted', tarballs, {
  packages: [analytics, core, metrics, prometheus],
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
});

use('the front with the W&B backend writes an offline run, and the client another', tarballs, {
  packages: [analytics, core, wandb],
  absent: ['better-sqlite3', 'kysely'],
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
});

use('prices give a call its cost', tarballs, {
  packages: [core, prices],
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
});

use('adapters and a collector work without the libraries that they adapt', tarballs, {
  packages: [core, prices, adapters, collector],
  absent: ['ai', '@langchain/core', '@modelcontextprotocol/sdk', '@openai/agents'],
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
});

use('the front with the OTLP backend pushes, and says so when nobody is there', tarballs, {
  packages: [analytics, core, metrics, otlp],
  types: true,
  absent: ['better-sqlite3', 'kysely', sqlite],
  program: `
    import assert from 'node:assert/strict';
    import { createServer } from 'node:http';
    import { createAnalyticsClient } from '${analytics}';
    let requests = 0;
    const receiver = createServer((_, response) => { requests += 1; response.end(); });
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', () => resolve(undefined)));
    const address = receiver.address();
    assert.ok(typeof address === 'object' && address !== null);
    const env = { OTLP_ENDPOINT: 'http://127.0.0.1:' + address.port, OTEL_EXPORTER_OTLP_TIMEOUT: '1000' };
    const client = await createAnalyticsClient({ backend: 'otlp', env });
    client.recordSkillExecution({ skillId: 'x', success: true, latencyMs: 12 });
    assert.equal((await client.flush()).ok, true);
    assert.equal(requests, 1);
    await new Promise((resolve) => receiver.close(resolve));
    assert.equal((await client.close()).backends['otlp']?.error?.code, 'BACKEND_UNAVAILABLE');
  `,
});

use('require() of core from CommonJS', tarballs, {
  packages: [core],
  file: 'main.cjs',
  program: `
    const assert = require('node:assert/strict');
    const { createAnalytics, memory } = require('${core}');
    const backend = memory();
    const client = createAnalytics({ backends: [backend] });
    client.recordSkillExecution({ skillId: 'x', success: true });
    client.close().then(() => assert.equal(backend.events.length, 1));
  `,
});

use('the command that writes dashboards and alerts', tarballs, {
  packages: [core, metrics, grafana],
  program: `
    import assert from 'node:assert/strict';
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    execFileSync('node_modules/.bin/toolweaver-grafana', ['write', 'monitoring', '--namespace', 'acme']);
    const { title } = JSON.parse(readFileSync('monitoring/dashboards/acme-overview.json', 'utf8'));
    assert.equal(title, 'Acme / Overview');
    assert.ok(readFileSync('monitoring/rules/acme-alerts.yaml', 'utf8').includes('alert: AcmeErrorSpike'));
  `,
});

use('the test kit under node:test', tarballs, {
  packages: [core, testkit],
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
});
