// Prints how many ms a one-time action takes in a new process. Plain JavaScript without further imports: to strip types Node
// would load parts of itself, which the packages would then seem not to need.

/** `path` is an empty module for `nothing`, a database for `client`. */
const [start, path] = process.argv.slice(2);
let client;

const before = performance.now();
switch (start) {
  case 'nothing':
    await import(path);
    break;
  case 'core':
    await import('@toolweaver/analytics-core');
    break;
  case 'metaAndSqlite':
    await import('@toolweaver/analytics');
    await import('@toolweaver/analytics-sqlite');
    break;
  case 'client': {
    const { createAnalyticsClient } = await import('@toolweaver/analytics');
    client = await createAnalyticsClient({ env: { ANALYTICS_DB_PATH: path } });
  }
}
process.stdout.write(`${performance.now() - before}\n`);
await client?.close();
