/** What a scrape says of one metric. */
export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads the text format as strictly as it is defined, and holds the metrics to what they say they are: types come before samples,
 * no series is there twice, counters are not negative, and buckets ascend to the count.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parse(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) {
    throw new Error('the last line does not end');
  }
  const families = new Map<string, { name: string; help: string; type: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let help: [name: string, text: string] | undefined;
  let current: { name: string; help: string; type: string; samples: Sample[] } | undefined;
  for (const [at, line] of text.slice(0, -1).split('\n').entries()) {
    const wrong = (reason: string): Error => new Error(`line ${at + 1}: ${reason}: ${JSON.stringify(line)}`);
    if (line === '') {
      continue;
    }
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line);
    if (comment !== null) {
      const [, keyword, name = '', rest = ''] = comment;
      if (keyword === 'HELP') {
        help = [name, unescaped(rest, /\\([\\n])/g, wrong)];
        continue;
      }
      if (help?.[0] !== name || families.has(name) || !/^(counter|gauge|histogram|summary)$/.test(rest)) {
        throw wrong('a type that is unknown, not the first, or not right behind its help');
      }
      current = { name, help: help[1], type: rest, samples: [] };
      families.set(name, current);
      continue;
    }
    const sample = parseSample(line, wrong);
    if (current === undefined || !belongs(sample.name, current)) {
      throw wrong('a sample that is not below its type');
    }
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(key)) {
      throw wrong('a series that is there twice');
    }
    seen.add(key);
    current.samples.push(sample);
  }
  for (const family of families.values()) {
    checkValues(family);
  }
  return families;
}

function parseSample(line: string, wrong: (reason: string) => Error): Sample {
  const matched = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/su.exec(line);
  if (matched === null) {
    throw wrong('no sample');
  }
  const [, name = '', inner, number = ''] = matched;
  const labels: Record<string, string> = Object.create(null);
  let rest = inner ?? '';
  if (inner === '') {
    throw wrong('no label in braces');
  }
  while (rest !== '') {
    const pair = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(,(?=.)|$)/su.exec(rest);
    if (pair === null || Object.hasOwn(labels, pair[1] as string)) {
      throw wrong('a label that is malformed, or there twice');
    }
    labels[pair[1] as string] = unescaped(pair[2] as string, /\\([\\n"])/g, wrong);
    rest = rest.slice(pair[0].length);
  }
  if (!/^([+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]Inf|NaN)$/i.test(number)) {
    throw wrong('a value that is no number');
  }
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) };
}

function unescaped(text: string, escapes: RegExp, wrong: (reason: string) => Error): string {
  if (text.replaceAll(escapes, '').includes('\\')) {
    throw wrong('an escape that does not exist');
  }
  return text.replaceAll(escapes, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

function belongs(sample: string, { name, type }: { readonly name: string; readonly type: string }): boolean {
  const suffixes = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }[type] ?? [''];
  return suffixes.some((suffix) => sample === name + suffix);
}

function checkValues({ name, type, samples }: ParsedFamily): void {
  if (type === 'counter' && !samples.every(({ value }) => value >= 0)) {
    throw new Error(`${name}: a counter is negative or no number`);
  }
  if (type !== 'histogram') {
    return;
  }
  const groups = Map.groupBy(samples, ({ labels: { le, ...labels } }) => JSON.stringify(labels));
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((sample) => Number(sample.labels['le']?.replace('Inf', 'Infinity')));
    const [sum, ...sums] = group.filter((sample) => sample.name === `${name}_sum`);
    const [count, ...counts] = group.filter((sample) => sample.name === `${name}_count`);
    const ascends = (values: readonly number[]): boolean =>
      values.every((value, at) => at === 0 || value >= (values[at - 1] as number));
    const isWhole =
      ascends(bounds) &&
      new Set(bounds).size === bounds.length &&
      bounds.at(-1) === Number.POSITIVE_INFINITY &&
      ascends(buckets.map(({ value }) => value)) &&
      buckets.at(-1)?.value === count?.value &&
      sum !== undefined &&
      sums.length + counts.length === 0;
    if (!isWhole) {
      throw new Error(`${name}${labels}: the histogram is not whole`);
    }
  }
}
