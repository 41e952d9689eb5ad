/** Returns a page that says what was tried, how often and with what outcome. The argument is what `--json` prints. */
export function toDocument({ ok, counts, durationMs, commit, versions, tests, failed, errors, trials }) {
  const { node, sqlite, betterSqlite3, platform } = versions;
  const outcomeOf = (trial) => (trial.skipped === undefined ? (trial.ok ? 'held' : '**failed**') : 'not tried');
  const figuresOf = ({ skipped, counts }) =>
    (skipped ?? Object.entries(counts).map(figure).join(', ')).replaceAll('<', '&lt;');
  return `# Reliability

Written by \`npm run reliability -- --document\`, from the trials of one run: do not edit. Each trial is a promise that chance, or somebody's
\`kill -9\`, was given many occasions to break. \`SEED=… npm run reliability -- -t R06\` repeats one as it was.

${ok ? 'Everything held.' : '**Not everything held.**'} Counts are \`${counts}\`; ${tests.passed} tests passed and ${tests.failed} failed in ${Math.round(durationMs / 60_000)} minutes, on Node ${node}, SQLite ${sqlite}
of better-sqlite3 ${betterSqlite3}, ${platform}${commit === undefined ? '' : `, commit ${commit}`}.
${failed.map((name) => `\n- **failed**: ${name}\n`).join('')}${errors.map((error) => `\n- **failed** outside of tests: ${error.split('\n', 1)[0]}\n`).join('')}
| | promise | outcome | what was counted | seed |
| --- | --- | --- | --- | --- |
${trials.map((trial) => `| ${trial.id} | ${trial.name} | ${outcomeOf(trial)} | ${figuresOf(trial)} | ${trial.seeds.join(', ')} |`).join('\n')}

## What is not tried

- Real power cuts. R06 tears the log as one may: it loses, flips and cuts what was written since the last \`fsync\`. A disk that lies about \`fsync\` loses what it lies about.
- Other platforms than the one above, network file systems, and disks that are slow to sync.
- Real services: OTLP, W&B and Pushgateways are servers of the tests on this machine, which fail as they are told. A slow network is one that holds back
  and cuts connections (R33): packets that are lost, and names that change their address, are not tried.
- Minutes of an outage pass ten times sooner (R30), and forty times in the walks of R56: core and W&B run on a clock of the trials, connections on the machine's.
- How W&B or a push takes what was queued when a process is killed: what was not acknowledged may be gone. R01 asks of SQLite and W&B's offline log what was.
- Memory under a million names (R40) without W&B, whose rows are one for each execution; that the rows are right is tried with fewer.
- Faults of R27 to R29 one at a time, and not while something else fails, too.
- A file system without inodes (R20 takes descriptors), and resolvers that are slow rather than silent (R28).
- A hundred thousand odd values (R35) of what waits for something: \`flush()\`, \`healthCheck()\`, questions and whole runs get a thousand.
- \`kill -9\` within a walk of R56 but once, and with SQLite alone.
- An hour of steady load, unless the run was given \`--soak 60\`.
- Trials of a dashboard (R45 to R54): there is none. The server of \`/metrics\` answers whatever \`Host\` it is asked for.
- The seeds of all bugs that chance has ever found: those it found early have a test each; later ones are pinned (\`test/support/pinned-seeds.ts\`), and tried in each run.
`;
}

/** Formats `setAside` and 3 as "set aside: 3". Acronyms keep their capitals. */
function figure([name, value]) {
  const words = name.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/);
  return `${words.map((word) => (/^[A-Z][a-z]/.test(word) ? word.toLowerCase() : word)).join(' ')}: ${value}`;
}
