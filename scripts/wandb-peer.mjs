// Installs the official Python client of Weights & Biases, which tests use as their oracle, into .cache/wandb-python, unless it
// is already there, and prints the path of its Python. Needs python3 with venv.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const version = '0.30.0';
const folder = join(import.meta.dirname, '..', '.cache', 'wandb-python');
const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

// What the client's command line imports. If an index lacks the latest OpenTelemetry betas, pip finds no complete set, so the
// second attempt installs these one by one and leaves out what only the client's own telemetry needs.
const bare = [
  'wandb',
  'opentelemetry-sdk',
  'opentelemetry-exporter-otlp-proto-http',
  'opentelemetry-exporter-otlp-proto-common',
];
const others = [
  'click',
  'packaging',
  'platformdirs',
  'protobuf<8',
  'pydantic<3',
  'pyyaml',
  'requests<3',
  'typing-extensions',
  'xxhash',
  'gitpython',
  'sentry-sdk',
];
const telemetry = ['opentelemetry-api', 'opentelemetry-proto', 'googleapis-common-protos'];

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 600_000 });
  return { ok: status === 0, text: `${error ?? ''}${stdout}${stderr}` };
}

const pip = (...args) => run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...args]);
const works = () => run(python, ['-c', 'import wandb, wandb.cli.cli, wandb.proto.wandb_internal_pb2']);

/** Creates stubs, with attributes of any name, for modules that the index may lack. */
function stub() {
  const where = run(python, ['-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])']).text.trim();
  const anything =
    'def __getattr__(name):\n    if name.startswith("__"):\n        raise AttributeError(name)\n    return type(name, (), {"__getattr__": lambda self, n: n})\n';
  const modules = [
    'opentelemetry/semconv/__init__.py',
    'opentelemetry/semconv/_incubating/__init__.py',
    'opentelemetry/semconv/_incubating/attributes/__init__.py',
    ...[
      'otel_attributes',
      'process_attributes',
      'service_attributes',
      'telemetry_attributes',
      'otel_metrics',
      'http_attributes',
    ].map((name) => `opentelemetry/semconv/_incubating/attributes/${name}.py`),
    'opentelemetry/semconv/_incubating/metrics/__init__.py',
    'opentelemetry/semconv/_incubating/metrics/otel_metrics.py',
    'opentelemetry/semconv/attributes/__init__.py',
    ...[
      'exception_attributes',
      'service_attributes',
      'telemetry_attributes',
      'error_attributes',
      'http_attributes',
      'otel_attributes',
      'server_attributes',
      'url_attributes',
    ].map((name) => `opentelemetry/semconv/attributes/${name}.py`),
    'opentelemetry/semconv/resource/__init__.py',
    'opentelemetry/semconv/schemas/__init__.py',
    'opentelemetry/semconv/trace/__init__.py',
    'opentelemetry/exporter/http/__init__.py',
    'opentelemetry/exporter/http/transport/__init__.py',
  ];
  for (const module of modules) {
    const path = join(where, module);
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, anything);
    }
  }
}

function install() {
  mkdirSync(dirname(folder), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const made = run('python3', ['-m', 'venv', folder]);
  if (!made.ok) {
    return made;
  }
  if (pip(`wandb==${version}`).ok && works().ok) {
    return { ok: true, text: '' };
  }
  const steps = [
    () => pip('--no-deps', `wandb==${version}`, ...bare.slice(1)),
    () => pip(...others),
    () => pip('--no-deps', ...telemetry),
  ];
  for (const step of steps) {
    const { ok, text } = step();
    if (!ok) {
      return { ok, text };
    }
  }
  stub();
  return works();
}

if (!existsSync(python) || !works().ok) {
  const { ok, text } = install();
  if (!ok) {
    rmSync(folder, { recursive: true, force: true });
    console.error(`The Python client could not be installed:\n${text}`);
    process.exit(1);
  }
}
console.log(python);
