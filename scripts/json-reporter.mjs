import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { JsonReporter } from 'vitest/node';

/**
 * Vitest's JSON report with `errors`, which its own reporter leaves out: what was thrown outside of tests, and workers that
 * died. They fail a run even if none of its tests failed.
 */
export default class extends JsonReporter {
  #file;

  onInit(vitest) {
    super.onInit(vitest);
    this.#file = resolve(vitest.config.root, vitest.config.outputFile.json);
  }

  async onTestRunEnd(modules, unhandled) {
    await super.onTestRunEnd(modules);
    const report = JSON.parse(readFileSync(this.#file, 'utf8'));
    const errors = unhandled.map(toText);
    writeFileSync(this.#file, JSON.stringify({ ...report, success: report.success && errors.length === 0, errors }));
  }
}

function toText({ type, name, message, stack, VITEST_TEST_NAME: test, VITEST_TEST_PATH: path }) {
  const where = [path, test].filter((part) => part !== undefined).join(', ');
  const lines = (stack || [name, message].filter(Boolean).join(': ')).split('\n');
  const ours = lines.filter((line) => !line.includes('node_modules'));
  return `${type ?? 'Error'}${where && ` in ${where}`}: ${ours.join('\n')}`;
}
