import { parseArgs } from 'node:util';

type CommandName =
  | 'summary'
  | 'costs'
  | 'failures'
  | 'runs'
  | 'stats'
  | 'check'
  | 'export'
  | 'import'
  | 'backup'
  | 'prune'
  | 'erase'
  | 'compact';

export interface CommandArguments {
  readonly command: CommandName;
  /** A file, or the id of a user; '' for commands that take neither. */
  readonly subject: string;
  /** Default: `ANALYTICS_DB_PATH`. */
  readonly path: string | undefined;
  readonly days: number | undefined;
  /** What costs are grouped by. */
  readonly by: string | undefined;
  readonly limit: number | undefined;
  readonly keepDays: number | undefined;
  readonly maxMegabytes: number | undefined;
  readonly dryRun: boolean;
  readonly quick: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** What the user asked for instead of a command. */
export type Asked = 'help' | 'version';

/** What a command takes besides `--db` and `--json`. */
const takes: Readonly<Record<CommandName, { readonly subject?: string; readonly flags?: readonly Flag[] }>> = {
  summary: { flags: ['days'] },
  costs: { flags: ['days', 'by', 'limit'] },
  failures: { flags: ['days', 'limit'] },
  runs: { flags: ['days', 'limit'] },
  stats: {},
  check: { flags: ['quick'] },
  export: { subject: 'FILE', flags: ['days', 'force'] },
  import: { subject: 'FILE' },
  backup: { subject: 'FILE' },
  prune: { flags: ['keep-days', 'max-mb', 'dry-run'] },
  erase: { subject: 'USER', flags: ['dry-run'] },
  compact: {},
};

const options = {
  db: { type: 'string' },
  days: { type: 'string' },
  by: { type: 'string' },
  limit: { type: 'string' },
  'keep-days': { type: 'string' },
  'max-mb': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false, short: 'v' },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

type Flag = Exclude<keyof typeof options, 'db' | 'json' | 'version' | 'help'>;

export const help: string = `Looks after a database of Toolweaver Analytics, also while programs record into it.

Usage: npx @toolweaver/analytics-sqlite <command> [options]

  summary          what was executed, how it went and what it cost (also without a command)
  costs            who has cost how much: --by operation (default), kind, model, organisation, user, run, skill, tool, agent
  failures         the latest failures, with their errors
  runs             the latest runs
  stats            rows, sizes, and the oldest and newest execution
  check            reads the whole file, and says whether it is intact
  export FILE      events to FILE: all as .jsonl, or executions as .csv; with .gz at the end compressed
  import FILE      what export wrote, or other events in these formats; what is there already is not added again
  backup FILE      a copy of the database
  prune            deletes what is too old or too much; totals by day stay
  erase USER       deletes everything of a user, by id
  compact          returns free pages to the system

  --db PATH        the database. Default: ANALYTICS_DB_PATH, or ~/.toolweaver/analytics.db
  --days N         questions, export: only the last N days
  --limit N        costs, failures, runs: how many lines. Default: 20
  --keep-days N    prune: deletes what is older. Default: ANALYTICS_DB_RETENTION_DAYS
  --max-mb N       prune: deletes the oldest until no more is used. Default: ANALYTICS_DB_MAX_MB
  --dry-run        prune, erase: says what would be deleted, and deletes nothing
  --quick          check: does not compare indexes with their tables
  --force          export: replaces FILE if it exists
  --json           one JSON object on stdout, and nothing else
  --version, --help

Exit codes: 0 done; 1 it could not be done, or not all of it, or the file is damaged; 2 wrong usage.
`;

/** @throws Error with a message for the user. */
export function parseArguments(args: readonly string[]): CommandArguments | Asked {
  const { values, positionals } = parsed(args);
  const [command = 'summary', ...subjects] = positionals;
  if (values.version) {
    return 'version';
  }
  if (values.help || command === 'help') {
    return 'help';
  }
  if (!isCommand(command)) {
    throw new Error(`There is no command ${JSON.stringify(command)}; there are ${Object.keys(takes).join(', ')}`);
  }
  const { subject, flags = [] } = takes[command];
  if (subjects.length !== (subject === undefined ? 0 : 1) || subjects[0] === '') {
    throw new Error(`${command} takes ${subject ?? 'no argument'}, got ${JSON.stringify(subjects.join(' '))}`);
  }
  const given = Object.keys(values).filter(
    (name) => isOwn(name) && values[name] !== undefined && values[name] !== false,
  );
  const unfit = given.filter((name) => !flags.includes(name as Flag));
  if (unfit.length > 0) {
    throw new Error(`${command} does not take ${unfit.map((name) => `--${name}`).join(', ')}`);
  }
  return {
    command,
    subject: subjects[0] ?? '',
    path: values.db,
    days: toNumber('days', values.days),
    by: values.by,
    limit: toNumber('limit', values.limit, 1),
    keepDays: toNumber('keep-days', values['keep-days']),
    maxMegabytes: toNumber('max-mb', values['max-mb'], 1),
    dryRun: values['dry-run'],
    quick: values.quick,
    force: values.force,
    json: values.json,
  };
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(takes, name);
}

/** Whether only some commands take it. */
function isOwn(name: string): name is Flag {
  return !['db', 'json', 'version', 'help'].includes(name);
}

function toNumber(flag: Flag, text: string | undefined, min = Number.MIN_VALUE): number | undefined {
  const value = Number(text);
  if (text !== undefined && !(text.trim() !== '' && value >= min && value < 1e8)) {
    throw new Error(`--${flag} takes a number ${min < 1 ? 'above 0' : `from ${min}`}, got ${JSON.stringify(text)}`);
  }
  return text === undefined ? undefined : value;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    // The rest of Node's message is about arguments that begin with a dash, and hides that a name was mistyped.
    const [message = ''] = (error as Error).message.split('. To specify');
    throw new Error(message);
  }
}
