import { parseArgs } from 'node:util';
import type { Problem } from '@toolweaver/analytics-core';
import type { GrafanaOptions } from './options.ts';
import { type Thresholds, thresholdNames, thresholdTable } from './thresholds.ts';

type Action = 'list' | 'print' | 'write';

export interface CommandOptions {
  readonly action: Action;
  /** What to print, or the folder to write to. */
  readonly subject: string | undefined;
  readonly json: boolean;
  readonly force: boolean;
  readonly options: GrafanaOptions;
}

/** What the user asked for instead of an action. */
export type Asked = 'help' | 'version';

export const help: string = `Dashboards, rules, alerts and runbooks for the metrics of Toolweaver Analytics.

Usage: npx @toolweaver/analytics-grafana <command> [options]

  list             the files that there are (also without a command)
  print FILE       one of them on stdout; the end of its name will do
  write FOLDER     all of them into a folder; files there that differ are left alone

  --namespace NAME       what the names of the metrics begin with. Default: toolweaver
  --target HOST:PORT     a program for Prometheus to scrape; may be given again. Default: host.docker.internal:8000
  --grafana-url URL      where people open Grafana; alerts link to it. Default: http://localhost:3000
  --buckets-ms LIST      upper bounds of the latency buckets, if yours are others, as in 100,1000,60000
  --set NAME=NUMBER      a threshold of the alerts; may be given again (below)
  --force                write: also over files that differ
  --json                 one JSON object on stdout, and nothing else
  --version, --help

Thresholds and their defaults:
${thresholdNames.map((name) => `  ${`${name}=${thresholdTable[name].value}`.padEnd(23)}${thresholdTable[name].help}`).join('\n')}

Exit codes: 0 done, 1 something could not be written or is not there, 2 wrong usage.
`;

/** @throws Error with a message for the user. */
export function parseCommand(args: readonly string[]): CommandOptions | Asked {
  const { values, positionals } = parsed(args);
  const [action = 'list', subject, ...rest] = positionals;
  if (values.help || values.version || action === 'help') {
    return values.version ? 'version' : 'help';
  }
  if (action !== 'list' && action !== 'print' && action !== 'write') {
    throw new Error(`There is no command ${JSON.stringify(action)}; there are list, print and write`);
  }
  if (rest.length > 0 || (action === 'list' && subject !== undefined)) {
    throw new Error(
      `${action} takes ${action === 'list' ? 'no argument' : 'one argument'}, got ${positionals.length - 1}`,
    );
  }
  if (action !== 'list' && !subject) {
    throw new Error(action === 'print' ? 'print takes the name of a file; list shows them' : 'write takes a folder');
  }
  return {
    action,
    subject,
    json: values.json,
    force: values.force,
    options: {
      namespace: values.namespace,
      targets: values.target,
      grafanaUrl: values['grafana-url'],
      latencyBucketsMs: values['buckets-ms']?.split(',').map(Number),
      thresholds: toThresholds(values.set),
    },
  };
}

const flags: Readonly<Record<string, string>> = {
  latencyBucketsMs: '--buckets-ms',
  grafanaUrl: '--grafana-url',
  targets: '--target',
};

/** Returns a problem of the options with the names that they have on the command line. */
export function asTyped({ field, message }: Problem): Problem {
  const [option = '', threshold] = field.split('.');
  return {
    field: threshold === undefined ? (flags[option] ?? `--${option}`) : `--set ${threshold}`,
    message: message.replace('latencyBucketsMs', '--buckets-ms'),
  };
}

/** Splits `NAME=NUMBER` settings. Names and numbers are validated later, with all other options. */
function toThresholds(settings: readonly string[]): Partial<Thresholds> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [name = '', value = '', ...rest] = setting.split('=');
      if (name === '' || value.trim() === '' || rest.length > 0) {
        throw new Error(`--set takes NAME=NUMBER, as in --set costPerHourUsd=20, got ${JSON.stringify(setting)}`);
      }
      return [name, Number(value)];
    }),
  );
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        namespace: { type: 'string' },
        target: { type: 'string', multiple: true },
        'grafana-url': { type: 'string' },
        'buckets-ms': { type: 'string' },
        set: { type: 'string', multiple: true, default: [] },
        force: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false, short: 'v' },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    });
  } catch (error) {
    // The rest of Node's message is about arguments that begin with a dash, and hides that a name was mistyped.
    const [message = ''] = (error as Error).message.split('. To specify');
    throw new Error(message);
  }
}
