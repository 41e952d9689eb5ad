import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

// A reader of our own for transaction logs, written against the format and not against our writer.

/** Fields of a protobuf message by number; those of length-delimited ones as bytes. */
type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

const blockBytes = 32_768;

/** The records of a log. `isWhole` is false when its end is torn. @throws Error for a wrong checksum or frame. */
export function readLog(path: string): { readonly records: Buffer[]; readonly isWhole: boolean } {
  const file = readFileSync(path);
  if (file.subarray(0, 7).toString('hex') !== '3a572642e1be00') {
    throw new Error('not a transaction log');
  }
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  let at = 7;
  while (at < file.length) {
    const left = blockBytes - (at % blockBytes);
    if (left < 7) {
      at += left;
      continue;
    }
    if (at + 7 > file.length) {
      return { records, isWhole: false };
    }
    const length = file.readUInt16LE(at + 4);
    const type = file[at + 6] as number;
    const end = at + 7 + length;
    if (end > file.length) {
      return { records, isWhole: false };
    }
    if (length + 7 > left || type < 1 || type > 4) {
      throw new Error(`a wrong frame at ${at}`);
    }
    if (crc32(file.subarray(at + 6, end)) !== file.readUInt32LE(at)) {
      throw new Error(`a wrong checksum at ${at}`);
    }
    if ((type === 1 || type === 2) !== (parts.length === 0)) {
      throw new Error(`a wrong piece at ${at}`);
    }
    parts.push(file.subarray(at + 7, end));
    if (type === 1 || type === 4) {
      records.push(Buffer.concat(parts));
      parts = [];
    }
    at = end;
  }
  return { records, isWhole: parts.length === 0 };
}

function decode(bytes: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) {
        throw new Error('a torn message');
      }
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        return BigInt.asIntN(64, value);
      }
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint());
    const [field, wire] = [tag >> 3, tag & 7];
    let value: bigint | Buffer;
    if (wire === 0) {
      value = varint();
    } else if (wire === 2 || wire === 1) {
      const length = wire === 1 ? 8 : Number(varint());
      value = bytes.subarray(at, at + length);
      at += length;
    } else {
      throw new Error(`wire type ${wire}`);
    }
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

function messages(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).map((value) => decode(value as Buffer));
}

function text(message: Message | undefined, field: number): string | undefined {
  return message?.get(field)?.[0]?.toString();
}

function number(message: Message | undefined, field: number): number | undefined {
  const value = message?.get(field)?.[0];
  return value === undefined ? undefined : Number(value);
}

/** What a log says about its run. */
export interface LoggedRun {
  readonly id: string;
  readonly project: string | undefined;
  readonly rows: readonly Record<string, unknown>[];
  readonly summary: Record<string, unknown>;
  readonly config: Record<string, unknown>;
  readonly tags: readonly string[];
  readonly name: string | undefined;
  readonly exitCode: number | undefined;
  /** In whole seconds, as its end says. */
  readonly runtime: number | undefined;
  readonly artifacts: readonly {
    readonly name: string;
    readonly type: string;
    readonly metadata: Record<string, unknown>;
    /** Where the content lies on this machine, by path inside the artifact. */
    readonly localPaths: Readonly<Record<string, string>>;
  }[];
  readonly files: readonly string[];
  readonly isWhole: boolean;
}

export function readRun(path: string): LoggedRun {
  const { records, isWhole } = readLog(path);
  const rows: Record<string, unknown>[] = [];
  const summary: Record<string, unknown> = {};
  const config: Record<string, unknown> = {};
  const artifacts: LoggedRun['artifacts'][number][] = [];
  const files: string[] = [];
  let run: Message | undefined;
  let exitCode: number | undefined;
  let runtime: number | undefined;
  for (const [at, record] of records.map(decode).entries()) {
    if (number(record, 1) !== at + 1) {
      throw new Error(`record ${at + 1} has the number ${number(record, 1)}`);
    }
    if (record.has(22) && at + 1 < records.length) {
      throw new Error(`what comes after record ${at + 1}, the footer, is never uploaded`);
    }
    const [history] = messages(record, 2);
    const [changes] = messages(record, 3);
    const [configured] = messages(record, 5);
    const [saved] = messages(record, 6);
    const [artifact] = messages(record, 8);
    const [started] = messages(record, 17);
    const [exit] = messages(record, 18);
    if (history !== undefined) {
      rows.push(items(messages(history, 1)));
    }
    if (changes !== undefined) {
      Object.assign(summary, items(messages(changes, 1)));
    }
    if (configured !== undefined) {
      Object.assign(config, items(messages(configured, 1)));
    }
    if (saved !== undefined) {
      files.push(...messages(saved, 1).map((file) => text(file, 1) ?? ''));
    }
    if (artifact !== undefined) {
      const metadata = JSON.parse(text(artifact, 8) ?? '{}');
      const entries = messages(artifact, 12).flatMap((manifest) => messages(manifest, 4));
      const localPaths = Object.fromEntries(entries.map((entry) => [text(entry, 1) ?? '', text(entry, 6) ?? '']));
      artifacts.push({ name: text(artifact, 5) ?? '', type: text(artifact, 4) ?? '', metadata, localPaths });
    }
    if (started !== undefined) {
      run = started;
      Object.assign(config, ...messages(started, 4).map((message) => items(messages(message, 1))));
    }
    if (exit !== undefined) {
      exitCode = number(exit, 1) ?? 0;
      runtime = number(exit, 2) ?? 0;
    }
  }
  delete config['_wandb'];
  return {
    id: text(run, 1) ?? '',
    project: text(run, 3),
    rows,
    summary,
    config,
    tags: (run?.get(10) ?? []).map(String),
    name: text(run, 8),
    exitCode,
    runtime,
    artifacts,
    files,
    isWhole,
  };
}

/** Keys may be given as one text or as a path. */
function items(list: readonly Message[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const item of list) {
    const path = (item.get(2) ?? []).map(String);
    const key = text(item, 1) ?? path.shift() ?? '';
    const value = parseValue(text(item, 16) ?? 'null');
    let holder = result;
    let last = key;
    for (const part of path) {
      if (!Object.hasOwn(holder, last)) {
        Object.defineProperty(holder, last, { value: {}, enumerable: true, configurable: true, writable: true });
      }
      holder = holder[last] as Record<string, unknown>;
      last = part;
    }
    Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

/** Bare NaN and infinities stand for themselves. */
export function parseValue(json: string): unknown {
  const special: Record<string, number> = {
    NaN: Number.NaN,
    Infinity: Number.POSITIVE_INFINITY,
    '-Infinity': Number.NEGATIVE_INFINITY,
  };
  const marked = json.replace(/"(?:[^"\\]+|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) =>
    part[0] === '"' ? part : `"\\u0000${part}"`,
  );
  return JSON.parse(marked, (_key, value) =>
    typeof value === 'string' && value[0] === '\0' ? special[value.slice(1)] : value,
  );
}
