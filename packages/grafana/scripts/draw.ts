import type { Panel, Threshold } from '../test/support/dashboards.ts';
import type { Sample } from '../test/support/query.ts';

/** One answer for each query of a panel. */
export interface Answered {
  readonly panel: Panel;
  readonly answers: readonly (readonly Named[])[];
}

export interface Named extends Sample {
  readonly name: string;
}

const column = 50;
const line = 24;
const gap = 6;
const palette = [
  '#73bf69',
  '#f2cc0c',
  '#5794f2',
  '#ff9830',
  '#f2495c',
  '#b877d9',
  '#37bbca',
  '#e0b400',
  '#8ab8ff',
  '#ffa6b0',
];
const text = '#ccccdc';
const faint = '#2c3235';

/** A picture of a dashboard, with each panel at its place of the grid. */
export function drawDashboard(title: string, panels: readonly Answered[]): string {
  const rows = Math.max(...panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h));
  const width = 24 * column;
  const height = rows * line + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="${text}">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#111217"/>`,
    write(title, 12, 25, 'font-size="16"'),
    `<g transform="translate(0 36)">${panels.map(drawPanel).join('\n')}</g>`,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ panel, answers }: Answered): string {
  const { type, title, gridPos } = panel;
  const at = `translate(${gridPos.x * column} ${gridPos.y * line})`;
  if (type === 'row') {
    return `<g transform="${at}">${write(title, 12, 17, 'font-size="13" font-weight="bold"')}</g>`;
  }
  const width = gridPos.w * column - gap;
  const height = gridPos.h * line - gap;
  const draw = { stat: drawStat, timeseries: drawLines, bargauge: drawBars, heatmap: drawHeatmap, table: drawTable }[
    type
  ];
  return [
    `<g transform="${at}"><rect x="${gap / 2}" width="${width}" height="${height}" rx="2" fill="#181b1f"/>`,
    write(title, 12, 17, 'font-weight="bold"'),
    draw?.({ panel, answers }, width, height) ?? '',
    '</g>',
  ].join('');
}

function drawStat({ panel, answers }: Answered, width: number, height: number): string {
  const value = answers[0]?.[0]?.values.at(-1)?.[1];
  const shown = value === undefined ? 'no data' : format(value, unitOf(panel));
  const attributes = `font-size="24" text-anchor="middle" fill="${value === undefined ? text : colourOf(panel, value)}"`;
  return write(shown, width / 2, height / 2 + 18, attributes);
}

interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function drawLines({ panel, answers }: Answered, width: number, height: number): string {
  const series = answers.flat();
  const isStacked = panel.fieldConfig?.defaults.custom.stacking?.mode === 'normal';
  const legend = 170;
  const plot: Plot = { left: 58, top: 30, width: width - 58 - legend, height: height - 52 };
  const below = new Map<number, number>();
  const lines = series.map(({ name, values }) => ({
    name,
    points: values.map(([at, value]) => {
      const top = value + (isStacked ? (below.get(at) ?? 0) : 0);
      below.set(at, top);
      return [at, top] as const;
    }),
  }));
  const all = lines.flatMap(({ points }) => points);
  const [from, to] = [Math.min(...all.map(([at]) => at)), Math.max(...all.map(([at]) => at))];
  const max = niceAbove(Math.max(...all.map(([, value]) => value)));
  const x = (at: number): number => plot.left + ((at - from) / (to - from || 1)) * plot.width;
  const y = (value: number): number => plot.top + (1 - value / max) * plot.height;
  return [
    axes(plot, max, unitOf(panel), from, to),
    ...lines.map(({ points }, at) => {
      const path = points.map(([at, value], index) => {
        // A gap where there was no answer.
        const move = index === 0 || at - (points[index - 1]?.[0] ?? at) > 600 ? 'M' : 'L';
        return `${move}${round(x(at))} ${round(y(value))}`;
      });
      return `<path d="${path.join('')}" fill="none" stroke="${colourAt(at)}" stroke-width="1.2"/>`;
    }),
    ...limits(panel)
      .filter((limit) => limit <= max)
      .map((limit) => {
        const level = round(y(limit));
        return `<path d="M${plot.left} ${level}H${plot.left + plot.width}" stroke="#f2495c" stroke-dasharray="4 3"/>`;
      }),
    ...lines.slice(0, 10).map(({ name }, at) => {
      const top = plot.top + at * 14;
      const mark = `<rect x="${width - legend + 12}" y="${top}" width="10" height="3" fill="${colourAt(at)}"/>`;
      return mark + write(shorten(name, 23), width - legend + 27, top + 5, 'font-size="10"');
    }),
  ].join('');
}

function axes({ left, top, width, height }: Plot, max: number, unit: string, from: number, to: number): string {
  const levels = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const level = round(top + (1 - share) * height);
    const grid = `<path d="M${left} ${level}H${left + width}" stroke="${faint}"/>`;
    return grid + write(format(max * share, unit), left - 6, level + 3, 'font-size="10" text-anchor="end"');
  });
  const times = [0, 1, 2, 3, 4, 5].map((hour) => {
    const x = round(left + (hour / 6) * width);
    return write(`−${Math.round(((to - from) / 3600) * (1 - hour / 6))} h`, x, top + height + 14, 'font-size="10"');
  });
  return [...levels, ...times].join('');
}

function drawBars({ panel, answers }: Answered, width: number, height: number): string {
  const series = answers.flat();
  const values = series.map(({ values }) => values.at(-1)?.[1] ?? 0);
  const max = niceAbove(Math.max(...values));
  const each = (height - 40) / series.length;
  return series
    .map(({ name }, at) => {
      const top = 30 + at * each;
      const value = values[at] ?? 0;
      const length = ((width - 230) * value) / max;
      const bar = `<rect x="140" y="${round(top)}" width="${round(length)}" height="${round(each * 0.7)}" fill="${colourOf(panel, value)}"/>`;
      return (
        write(shorten(name, 20), 134, top + each * 0.5, 'text-anchor="end"') +
        bar +
        write(format(value, unitOf(panel)), 148 + length, top + each * 0.5)
      );
    })
    .join('');
}

function drawHeatmap({ answers }: Answered, width: number, height: number): string {
  const bound = ({ metric }: Named): number => Number(metric['le']?.replace('+Inf', 'Infinity'));
  const buckets = [...(answers[0] ?? [])].sort((one, other) => bound(one) - bound(other));
  const times = buckets[0]?.values.map(([at]) => at) ?? [];
  const cell = { width: (width - 80) / times.length, height: (height - 50) / buckets.length };
  const below = new Map<number, number>();
  const counts = buckets.map(({ values }) =>
    values.map(([at, cumulative]) => {
      const count = Math.max(0, cumulative - (below.get(at) ?? 0));
      below.set(at, cumulative);
      return count;
    }),
  );
  const max = Math.max(...counts.flat());
  return buckets
    .map((bucket, at) => {
      const top = round(height - 20 - (at + 1) * cell.height);
      const cells = (counts[at] ?? []).map((count, index) => {
        const opacity = round(Math.sqrt(count / max));
        return opacity < 0.05
          ? ''
          : `<rect x="${round(60 + index * cell.width)}" y="${top}" width="${round(cell.width)}" height="${round(cell.height - 1)}" opacity="${opacity}"/>`;
      });
      const label = write(bucket.metric['le'] ?? '', 54, top + cell.height / 2 + 3, 'font-size="10" text-anchor="end"');
      return `<g fill="#5794f2">${cells.join('')}</g>${label}`;
    })
    .join('');
}

function drawTable({ panel, answers }: Answered, width: number): string {
  const titles = (panel.fieldConfig?.overrides ?? []).map(({ matcher, properties }) => ({
    title: matcher.options,
    unit: properties[0]?.value ?? 'short',
  }));
  const last = ({ values }: Named): number => values.at(-1)?.[1] ?? 0;
  const sorted = [...(answers[0] ?? [])].sort((one, other) => last(other) - last(one));
  const names = sorted.map(({ name }) => name).slice(0, 7);
  const first = 260;
  const each = (width - first - 12) / titles.length;
  const cell = (value: string, at: number, row: number, attributes = ''): string =>
    write(value, first + at * each, 36 + row * 20, attributes);
  return [
    ...titles.map(({ title }, at) => cell(title, at, 0, 'fill="#5794f2"')),
    ...names.flatMap((name, row) => [
      write(name, 12, 36 + (row + 1) * 20),
      ...titles.map(({ unit }, at) => {
        const value = answers[at]?.find((one) => one.name === name)?.values.at(-1)?.[1];
        return cell(value === undefined ? '–' : format(value, unit), at, row + 1);
      }),
    ]),
  ].join('');
}

function stepsOf({ fieldConfig }: Panel): readonly Threshold[] {
  return fieldConfig?.defaults.thresholds.steps ?? [];
}

function colourOf(panel: Panel, value: number): string {
  const step = stepsOf(panel).findLast((one) => one.value === null || value >= one.value);
  return { green: '#73bf69', yellow: '#f2cc0c', red: '#f2495c' }[step?.color ?? ''] ?? '#5794f2';
}

function limits(panel: Panel): number[] {
  return stepsOf(panel).flatMap(({ value }) => value ?? []);
}

function unitOf({ fieldConfig }: Panel): string {
  return fieldConfig?.defaults.unit ?? 'short';
}

function colourAt(at: number): string {
  return palette[at % palette.length] as string;
}

/** As Grafana writes it, about. */
function format(value: number, unit: string): string {
  const digits = (number: number): string => String(Number(number.toPrecision(3)));
  switch (unit) {
    case 'percentunit':
      return `${digits(value * 100)}%`;
    case 'currencyUSD':
      return `$${digits(value)}`;
    case 'bytes':
      return `${digits(value / 2 ** 20)} MiB`;
    case 'ms':
      return value >= 1000 ? `${digits(value / 1000)} s` : `${digits(value)} ms`;
    case 's':
      return value > 0 && value < 1
        ? `${digits(value * 1000)} ms`
        : value >= 120
          ? `${digits(value / 60)} min`
          : `${digits(value)} s`;
    default: {
      const short =
        value >= 1e6 ? `${digits(value / 1e6)} M` : value >= 10_000 ? `${digits(value / 1000)} K` : digits(value);
      return unit === 'short' ? short : `${short}/s`;
    }
  }
}

function niceAbove(value: number): number {
  if (!(value > 0)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function shorten(name: string, length: number): string {
  return name.length > length ? `${name.slice(0, length - 1)}…` : name;
}

function write(content: string, x: number, y: number, attributes = ''): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${safe}</text>`;
}
