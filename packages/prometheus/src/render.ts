import { setImmediate } from 'node:timers/promises';
import type { LabelSet, Metric } from '@toolweaver/analytics-metrics';
import { type FamilySnapshot, widthOf } from './snapshot.ts';

/** Of the text format that every version of Prometheus reads. */
export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** What OTLP's `otel.metric.overflow` becomes on its way into Prometheus. */
export const overflowLabel = 'otel_metric_overflow';

/** The longest work without a pause, in ms: more would hold up the host's event loop. */
export const sliceMs = 4;
/** How many series are written between two looks at the clock. */
const seriesPerLook = 32;

/** Writes snapshots as prom-client would write the same values, several times faster. */
export interface Renderer {
  /** Pauses every few ms, so that the event loop gets its turn. */
  render(families: readonly FamilySnapshot[]): Promise<Buffer>;
}

export function createRenderer(): Renderer {
  // What stays the same from scrape to scrape is written once.
  const labelTexts = new WeakMap<LabelSet, string>();
  const headsOfBuckets = new WeakMap<Metric, readonly string[]>();

  return {
    async render(families) {
      const output = createOutput();
      let sliceEnd = performance.now() + sliceMs;
      for (const [at, { metric, labelSets, values }] of families.entries()) {
        const { name, help, type } = metric;
        output.write(`${at === 0 ? '' : '\n'}# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
        const width = widthOf(metric);
        const heads = type === 'histogram' ? cached(headsOfBuckets, metric, () => bucketHeads(metric)) : undefined;
        for (let series = 0; series * width < values.length; series += 1) {
          const labelSet = labelSets[series] as LabelSet;
          const labels = cached(labelTexts, labelSet, () => labelText(metric, labelSet));
          output.write(
            heads === undefined
              ? `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(values[series] as number)}\n`
              : histogramText(name, heads, labels, values, series * width),
          );
          if (series % seriesPerLook === 0 && performance.now() > sliceEnd) {
            await setImmediate();
            sliceEnd = performance.now() + sliceMs;
          }
        }
      }
      return output.end();
    },
  };
}

function cached<K extends object, V>(cache: WeakMap<K, V>, key: K, make: () => V): V {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
  }
  return value;
}

/** The start of a line, up to its own labels, for each bucket. */
function bucketHeads({ name, bounds = [] }: Metric): string[] {
  return [...bounds, '+Inf'].map((bound) => `${name}_bucket{le="${bound}"`);
}

function histogramText(
  name: string,
  heads: readonly string[],
  labels: string,
  values: Float64Array,
  start: number,
): string {
  const bucketLabels = labels === '' ? '} ' : `,${labels}} `;
  const ownLabels = labels === '' ? ' ' : `{${labels}} `;
  let count = 0;
  let text = '';
  for (let bucket = 0; bucket < heads.length; bucket += 1) {
    count += values[start + bucket] as number;
    text += `${heads[bucket]}${bucketLabels}${count}\n`;
  }
  const sum = numberText(values[start + heads.length] as number);
  return `${text}${name}_sum${ownLabels}${sum}\n${name}_count${ownLabels}${count}\n`;
}

/** The labels of a series as pairs; the overflow series has those that are not limited, and its marker. */
export function labelPairs(metric: Metric, { labels, isOverflow }: LabelSet): [name: string, value: string][] {
  const pairs = metric.labels.map((label, at): [string, string] => [label, labels[at] as string]);
  return isOverflow ? [...pairs.filter(([, value]) => value !== ''), [overflowLabel, 'true']] : pairs;
}

function labelText(metric: Metric, labelSet: LabelSet): string {
  return labelPairs(metric, labelSet)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join();
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

const chunkBytes = 256 * 1024;
/** UTF-8 needs at most so many for a UTF-16 unit. */
const maxBytesPerUnit = 3;

/** Collects text as bytes: one large string would have to be joined first, and then encoded. */
function createOutput(): { write(text: string): void; end(): Buffer } {
  const chunks: Buffer[] = [];
  let chunk = Buffer.allocUnsafe(chunkBytes);
  let used = 0;
  return {
    write(text) {
      const most = text.length * maxBytesPerUnit;
      if (most > chunk.length - used) {
        chunks.push(chunk.subarray(0, used));
        chunk = Buffer.allocUnsafe(Math.max(chunkBytes, most));
        used = 0;
      }
      used += chunk.write(text, used);
    },
    end: () => Buffer.concat([...chunks, chunk.subarray(0, used)]),
  };
}
