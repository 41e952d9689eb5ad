import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { maxRecordLength, type Splitter, type TextRecord, tooLong } from './records.ts';

/** Splits JSON Lines and skips blank lines. */
export function jsonlSplitter(maxLength: number = maxRecordLength): Splitter<string> {
  let line = 1;
  let rest = '';
  let lost = false;

  function record(): TextRecord<string>[] {
    const text = rest;
    const isLost = lost;
    rest = '';
    lost = false;
    if (isLost) {
      return [{ line, length: 0, problem: tooLong(maxLength) }];
    }
    return text.trim() === '' ? [] : [{ line, length: text.length, value: text }];
  }

  function take(part: string): void {
    lost ||= rest.length + part.length > maxLength;
    rest = lost ? '' : rest + part;
  }

  return {
    push(text) {
      const records: TextRecord<string>[] = [];
      let start = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        take(text.slice(start, end));
        records.push(...record());
        line += 1;
        start = end + 1;
      }
      take(text.slice(start));
      return records;
    },
    end: record,
  };
}

/** Formats a line that `parseEvent` reads back as the same event. */
export function toJsonLine(event: AnalyticsEvent): string {
  const data =
    event.type === 'artifact' && event.bytes !== undefined
      ? { ...event, bytes: Buffer.from(event.bytes).toString('base64') }
      : event;
  return `${JSON.stringify(data)}\n`;
}
