// Fetches what the OTLP tests check against into .cache/peers, without installing anything on the machine: VictoriaMetrics from
// the Debian release that has its OTLP receiver, and the official protobuf classes from PyPI. Skips what is already there.
// Needs Debian's apt and dpkg, and Python with venv.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The previous release has a version without the receiver. */
const release = 'trixie';
const classes = 'opentelemetry-proto==1.45.2';

const folder = join(import.meta.dirname, '..', '.cache', 'peers');
mkdirSync(folder, { recursive: true });
let failed = false;
install('victoria-metrics', fetchVictoriaMetrics);
install('opentelemetry-proto', (target) => {
  execFileSync('python3', ['-m', 'venv', target]);
  execFileSync(join(target, 'bin', 'python'), [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    classes,
  ]);
});
process.exitCode = failed ? 1 : 0;

/** Fetches into a folder, which counts as installed only once the fetch is complete. */
function install(name, fetch) {
  const target = join(folder, name);
  const complete = join(target, '.complete');
  if (existsSync(complete)) {
    return;
  }
  rmSync(target, { recursive: true, force: true });
  try {
    fetch(target);
    writeFileSync(complete, '');
    console.log(`fetched ${name}`);
  } catch (error) {
    failed = true;
    console.error(`${name} could not be fetched: ${error.message}`);
  }
}

/** Uses this machine's mirror, but separate lists and settings of apt, so that the system's stay as they are. */
function fetchVictoriaMetrics(target) {
  const apt = join(folder, 'apt');
  rmSync(apt, { recursive: true, force: true });
  for (const part of ['state/lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(apt, part), { recursive: true });
  }
  writeFileSync(join(apt, 'sources.list'), `deb [signed-by=${debianKeys()}] ${debianMirror()} ${release} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State': join(apt, 'state'),
    'Dir::Cache': join(apt, 'cache'),
    // Download as the calling user: for root, apt would hand downloads to another user.
    'APT::Sandbox::User': '',
  };
  writeFileSync(
    join(apt, 'apt.conf'),
    Object.entries(settings)
      .map(([key, value]) => `${key} "${value}";\n`)
      .join(''),
  );
  const run = (...args) =>
    execFileSync('apt-get', args, {
      cwd: apt,
      env: { ...process.env, APT_CONFIG: join(apt, 'apt.conf') },
      stdio: 'pipe',
    });
  run('-qq', 'update');
  run('-qq', 'download', 'victoria-metrics');
  const archive = readdirSync(apt).find((file) => file.endsWith('.deb'));
  execFileSync('dpkg', ['-x', archive, 'unpacked'], { cwd: apt });
  renameSync(join(apt, 'unpacked'), target);
  rmSync(apt, { recursive: true });
}

function debianMirror() {
  const format = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Component: main'];
  const mirrors = execFileSync('apt-get', format, { encoding: 'utf8' }).split('\n');
  const mirror = mirrors.find((address) => /\/debian\/?$/.test(address));
  if (mirror === undefined) {
    throw new Error('no source of apt is a mirror of Debian');
  }
  return mirror;
}

function debianKeys() {
  const keys = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp'];
  const found = keys.find((file) => existsSync(file));
  if (found === undefined) {
    throw new Error('the keys of Debian are missing: install debian-archive-keyring');
  }
  return found;
}
