import { type Rows, startOfRows } from '../encoding/batch.ts';
import { addHistory } from '../encoding/history-record.ts';
import type { LogFrames } from '../encoding/log-frame.ts';
import { createProtoWriter } from '../encoding/protobuf.ts';
import { type Artifact, digestOf } from '../files/artifact.ts';
import { jsonText } from '../json-text.ts';
import { type MetricDefinition, summaryFields } from '../metric-definition.ts';
import type { RunInfo } from '../run-info.ts';
import type { Alert } from '../service/operations.ts';

/** Adds records to a transaction log, one per call. */
export interface Records {
  /** Number of the last record. */
  count: number;
  header(producer: string): void;
  run(info: RunInfo, startingStep: number): void;
  config(config: RunInfo['config']): void;
  metric(metric: MetricDefinition): void;
  history(rows: Rows): void;
  summary(changes: ReadonlyMap<string, unknown>): void;
  files(paths: readonly string[]): void;
  /** `localPathOf` returns where the content of an entry is, unless that is a reference. */
  artifact(artifact: Artifact, info: RunInfo, localPathOf: (path: string) => string): void;
  alert(alert: Alert): void;
  exit(exitCode: number, runtimeSeconds: number): void;
  final(): void;
  footer(): void;
}

/** Field number of each kind of record in the log's envelope message. */
const kinds = {
  summary: 3,
  config: 5,
  files: 6,
  artifact: 8,
  alert: 10,
  metric: 12,
  run: 17,
  exit: 18,
  final: 20,
  header: 21,
  footer: 22,
} as const;
const valueJson = 16;
const mediaFile = 2;

/** Encodes records by the field numbers of the `wandb_internal` messages. */
export function createRecords(frames: LogFrames): Records {
  const proto = createProtoWriter();

  function record(kind: keyof typeof kinds, write: () => void): void {
    records.count += 1;
    proto.int(1, records.count);
    proto.message(kinds[kind], write);
    frames.add(proto.take());
  }

  /** Adds a key and a value. Dots in the key have no meaning. */
  function item(key: string, value: unknown): void {
    const start = proto.open(1);
    proto.text(1, key);
    // A key may also be given as a path, which is the only form that allows an empty key.
    if (key === '') {
      proto.message(2, () => {});
    }
    proto.text(valueJson, jsonText(value) ?? 'null');
    proto.close(start);
  }

  function items(values: RunInfo['config']): void {
    for (const [key, value] of Object.entries(values)) {
      item(key, value);
    }
  }

  function timestamp(field: number, unixMs: number): void {
    proto.message(field, () => {
      proto.int(1, Math.floor(unixMs / 1000));
      proto.int(2, Math.round((unixMs % 1000) * 1_000_000));
    });
  }

  const records: Records = {
    count: 0,
    header(producer) {
      record('header', () => proto.message(1, () => proto.text(1, producer)));
    },
    run(info, startingStep) {
      record('run', () => {
        proto.text(1, info.id);
        proto.text(2, info.entity);
        proto.text(3, info.project);
        proto.message(4, () => {
          items(info.config);
          item('_wandb', {});
        });
        proto.text(6, info.group);
        proto.text(7, info.jobType);
        proto.text(8, info.name);
        proto.text(9, info.notes);
        for (const tag of info.tags ?? []) {
          proto.text(10, tag);
        }
        proto.text(13, info.host);
        proto.int(14, startingStep);
        timestamp(17, info.startedAt);
      });
    },
    config(config) {
      record('config', () => items(config));
    },
    metric({ name, stepMetric, hidden, summary }) {
      record('metric', () => {
        proto.text(1, name);
        proto.text(4, stepMetric);
        proto.message(6, () => {
          proto.flag(1, stepMetric !== undefined);
          proto.flag(2, hidden);
          proto.flag(3, true);
        });
        if (summary.length > 0) {
          proto.message(7, () => {
            for (const kind of summary) {
              proto.flag(summaryFields[kind], true);
            }
          });
        }
        // Replaces an earlier definition, which would otherwise be merged with this one.
        proto.message(9, () => proto.flag(1, true));
      });
    },
    history(rows) {
      const cursor = startOfRows();
      while (cursor.row < rows.shapes.length) {
        records.count += 1;
        addHistory(frames, records.count, rows, cursor);
      }
    },
    summary(changes) {
      record('summary', () => {
        for (const [key, value] of changes) {
          if (value === undefined) {
            proto.message(2, () => proto.text(1, key));
          } else {
            item(key, value);
          }
        }
      });
    },
    files(paths) {
      record('files', () => {
        for (const path of paths) {
          proto.message(1, () => {
            proto.text(1, path);
            proto.int(3, path.startsWith('media/') ? mediaFile : 0);
          });
        }
      });
    },
    artifact(artifact, info, localPathOf) {
      record('artifact', () => {
        proto.text(1, info.id);
        proto.text(2, info.project);
        proto.text(3, info.entity);
        proto.text(4, artifact.type);
        proto.text(5, artifact.name);
        proto.text(6, digestOf(artifact));
        proto.text(7, artifact.description);
        proto.text(8, artifact.metadata === undefined ? undefined : jsonText(artifact.metadata));
        proto.flag(9, true);
        for (const alias of artifact.aliases) {
          proto.text(11, alias);
        }
        proto.message(12, () => {
          proto.int(1, 1);
          proto.text(2, 'wandb-storage-policy-v1');
          proto.message(3, () => {
            proto.text(1, 'storageLayout');
            proto.text(2, '"V2"');
          });
          for (const { path, content, digest, size } of artifact.entries) {
            proto.message(4, () => {
              proto.text(1, path);
              proto.text(2, digest);
              proto.text(3, 'ref' in content ? content.ref : undefined);
              proto.int(4, size);
              proto.text(6, 'ref' in content ? undefined : localPathOf(path));
            });
          }
        });
        proto.flag(14, true);
        proto.text(15, artifact.clientId);
        proto.text(16, artifact.sequenceId);
        proto.text(20, 'MANIFEST_MD5');
      });
    },
    alert({ title, text, level = 'INFO', waitMs = 60_000 }) {
      record('alert', () => {
        proto.text(1, title);
        proto.text(2, text);
        proto.text(3, level);
        proto.int(4, waitMs);
      });
    },
    exit(exitCode, runtimeSeconds) {
      record('exit', () => {
        proto.int(1, exitCode);
        proto.int(2, runtimeSeconds);
      });
    },
    final: () => record('final', () => {}),
    footer: () => record('footer', () => {}),
  };
  return records;
}
