import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isObject, jsonText } from '../json-text.ts';
import { toPathPart } from '../names.ts';
import { requireForm } from '../require-form.ts';
import { type Artifact, artifactOf, bytesEntry, clientIdOf } from './artifact.ts';
import { type ImageSize, imageSize } from './image-size.ts';
import type { RunFile } from './run-file.ts';

const resolve: unique symbol = Symbol('resolve');
const isImage: unique symbol = Symbol('image');

/** A value whose content is stored as a file of the run. */
export interface Media {
  /** Returns the value for the row, and what to upload for it. */
  readonly [resolve]: (place: MediaPlace) => ResolvedMedia;
  readonly [isImage]?: ImageData;
}

export interface MediaPlace {
  readonly key: string;
  readonly step: number;
  readonly runId: string;
  /** Random for each client, because runs of two programs may have the same id. */
  readonly salt: string;
}

export interface ResolvedMedia {
  readonly value: Readonly<Record<string, unknown>>;
  readonly files: readonly RunFile[];
  readonly artifacts: readonly Artifact[];
}

const maxImages = 108;

interface ImageData extends ImageSize {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly caption: string | undefined;
}

/** `log()` replaces media by their description. Anywhere else they throw, so that they do not silently become `{}`. */
const nowhereElse = {
  toJSON(): never {
    throw new TypeError(
      `media must be values of log() by themselves, or up to ${maxImages} images of one size in a list`,
    );
  },
};

export function isMedia(value: unknown): value is Media {
  return typeof value === 'object' && value !== null && resolve in value;
}

export function resolveMedia(media: Media, place: MediaPlace): ResolvedMedia {
  return media[resolve](place);
}

/** A cell of a table. A `Date` becomes Unix time in ms; null is a missing value. */
export type Cell = string | number | boolean | null | Date;

const maxTableRows = 200_000;

/**
 * A table of rows under column names, which is also stored as an artifact.
 * @throws TypeError for what are no lists, and a row of another length; RangeError for more than 200 000 rows.
 */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Media {
  const isTable = Array.isArray(columns) && Array.isArray(rows) && rows.every(Array.isArray);
  requireForm(isTable, 'table: needs a list of the names of its columns, and a list of rows that are lists of cells');
  if (rows.length > maxTableRows) {
    throw new RangeError(`table: has ${rows.length} rows; ${maxTableRows} are allowed`);
  }
  const wrong = rows.findIndex((row) => row.length !== columns.length);
  if (wrong >= 0) {
    throw new TypeError(
      `table: row ${wrong} has ${rows[wrong]?.length} cells, but there are ${columns.length} columns`,
    );
  }
  const data = rows.map((row) => row.map((cell) => (cell instanceof Date ? cell.getTime() : cell)));
  return {
    ...nowhereElse,
    [resolve]({ key, step, runId, salt }) {
      const sizes = { ncols: columns.length, nrows: rows.length };
      const bytes = encode(jsonText({ columns, data }) as string);
      const file = fileOf('table', key, step, bytes, '.table.json');
      const name = artifactNameOf(runId, key);
      const types = columns.map((column, at) => [column, typeOf(data.map((row) => row[at]))]);
      const full = {
        _type: 'table',
        column_types: { wb_type: 'typedDict', params: { type_map: Object.fromEntries(types) } },
        columns,
        data,
        ...sizes,
        log_mode: 'IMMUTABLE',
      };
      const inside = `${key}.table.json`;
      const seed = `${salt} ${file.name}`;
      const entry = bytesEntry(inside, encode(jsonText(full) as string));
      const artifact = artifactOf({ name, type: 'run_table' }, [entry], seed, `${salt} ${key}`);
      return {
        value: {
          ...describe('table-file', file, bytes),
          ...sizes,
          log_mode: 'IMMUTABLE',
          artifact_path: `wandb-client-artifact://${clientIdOf(seed)}/${inside}`,
          _latest_artifact_path: `wandb-client-artifact://${artifact.sequenceId}:latest/${inside}`,
        },
        files: [file],
        artifacts: [artifact],
      };
    },
  };
}

/** What is shown with an image. */
export interface ImageOptions {
  readonly caption?: string | undefined;
}

/**
 * An image: the bytes of a PNG or JPEG file. A list of images of one size is shown side by side.
 * @throws TypeError for other content.
 */
export function image(content: Uint8Array, { caption }: ImageOptions = {}): Media {
  const bytes = content instanceof Uint8Array ? Uint8Array.from(content) : new Uint8Array();
  const size = imageSize(bytes);
  if (size === undefined) {
    throw new TypeError('image: must be the bytes of a PNG or a JPEG file');
  }
  const data: ImageData = { ...size, bytes, caption };
  return {
    ...nowhereElse,
    [isImage]: data,
    [resolve]({ key, step }) {
      const { format, width, height } = data;
      const file = fileOf('images', key, step, bytes, `.${format}`);
      return {
        value: {
          ...describe('image-file', file, bytes),
          format,
          width,
          height,
          ...(caption !== undefined && { caption }),
        },
        files: [file],
        artifacts: [],
      };
    },
  };
}

/** Several images of one size as one value; undefined when the list is anything else. */
export function imagesOf(list: readonly unknown[]): Media | undefined {
  const images = list.map((item) => (isMedia(item) ? item[isImage] : undefined));
  const [first] = images;
  if (
    first === undefined ||
    images.length > maxImages ||
    images.some((one) => one?.width !== first.width || one.height !== first.height)
  ) {
    return undefined;
  }
  const all = images as ImageData[];
  return {
    ...nowhereElse,
    [resolve]({ key, step }) {
      const files = all.map(({ bytes, format }, at) => fileOf('images', key, step, bytes, `.${format}`, `_${at}`));
      const captions = all.some(({ caption }) => caption !== undefined) && all.map(({ caption = '' }) => caption);
      return {
        value: {
          _type: 'images/separated',
          width: first.width,
          height: first.height,
          format: first.format,
          count: all.length,
          filenames: files.map(({ name }) => name),
          ...(captions && { captions }),
        },
        files,
        artifacts: [],
      };
    },
  };
}

/**
 * A Plotly figure: an object with `data`, and optionally `layout`.
 * @throws TypeError for anything else.
 */
export function plotly(figure: Readonly<Record<string, unknown>>): Media {
  requireForm(isObject(figure), 'plotly: needs a figure: an object with data');
  return textMedia('plotly', 'plotly-file', '.plotly.json', jsonText(figure) as string);
}

/**
 * HTML, stored as a file of the run and rendered on its page.
 * @throws TypeError for what is no text.
 */
export function html(text: string): Media {
  requireForm(typeof text === 'string', 'html: needs a string');
  return textMedia('html', 'html-file', '.html', text);
}

function textMedia(folder: string, type: string, ending: string, text: string): Media {
  const bytes = encode(text);
  return {
    ...nowhereElse,
    [resolve]({ key, step }) {
      const file = fileOf(folder, key, step, bytes, ending);
      return { value: describe(type, file, bytes), files: [file], artifacts: [] };
    },
  };
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Leaves room in the file name for what follows the key, so that `toPathPart` keeps the name of a copy. */
const maxKeyBytes = 120;

function fileOf(
  folder: string,
  key: string,
  step: number,
  content: Uint8Array<ArrayBuffer>,
  ending: string,
  mark = '',
): RunFile {
  return {
    name: `media/${folder}/${toPathPart(key, maxKeyBytes)}_${step}${mark}_${sha256(content).slice(0, 20)}${ending}`,
    content,
  };
}

function describe(type: string, { name }: RunFile, bytes: Uint8Array): Record<string, unknown> {
  return { _type: type, path: name, sha256: sha256(bytes), size: bytes.byteLength };
}

function artifactNameOf(runId: string, key: string): string {
  const wanted = `run-${runId}-${key}`;
  const name = wanted.replace(/[^\w.-]/g, '');
  if (name === wanted) {
    return name;
  }
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(crc32(wanted));
  return `${name}-${mark.toString('base64url').slice(0, 6)}`;
}

/** The Python client cannot read a table with a type that it does not know. */
const cellTypes: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  bigint: 'number',
  boolean: 'boolean',
};

function typeOf(cells: readonly unknown[]): object {
  const given = cells.filter((cell) => cell !== null && cell !== undefined);
  const kinds = new Set(given.map((cell) => cellTypes[typeof cell] ?? 'any'));
  const kind = kinds.size > 1 ? 'any' : (kinds.values().next().value ?? 'any');
  return { wb_type: 'union', params: { allowed_types: [{ wb_type: 'none' }, { wb_type: kind }] } };
}
