import { maxRecordLength, type Splitter, type TextRecord, tooLong } from './records.ts';

// CSV as in RFC 4180: commas between cells, quotes around cells with commas, quotes or line ends. Lines may also end in LF or CR.
// Our own parser, as csv-parse is larger than all of our packages together; the tests compare it with csv-parse.

const quote = 0x22;
const comma = 0x2c;
const lf = 0x0a;
const cr = 0x0d;

/** Where the text so far ends: before a cell, in a plain or quoted one, after a closing quote, or in a record given up. */
type State = 'start' | 'plain' | 'quoted' | 'closed' | 'lost';

/** Splits CSV into the cells of each record and skips blank lines. After an error it continues with the next line. */
export function csvSplitter(maxLength: number = maxRecordLength): Splitter<string[]> {
  let state: State = 'start';
  let line = 1;
  let firstLine = 1;
  /** Length of the current record so far. */
  let length = 0;
  let cells: string[] = [];
  let cell = '';
  let problem = '';
  let afterCr = false;
  /** Whether the last piece ended with a CR in a quoted cell. Looking at the end of `cell` would copy all of it each time. */
  let isCutAfterCr = false;
  let records: TextRecord<string[]>[] = [];

  function endCell(): void {
    cells.push(cell);
    cell = '';
    state = 'start';
  }

  function endRecord(): void {
    if (state === 'lost') {
      records.push({ line: firstLine, length: 0, problem });
    } else if (state !== 'start' || cells.length > 0) {
      endCell();
      records.push({ line: firstLine, length: cells.reduce((sum, { length }) => sum + length, 0), value: cells });
    }
    cells = [];
    state = 'start';
    length = 0;
    firstLine = line;
  }

  function lose(why: string): void {
    problem = why;
    cells = [];
    cell = '';
    state = 'lost';
  }

  function isLineEnd(code: number): boolean {
    return code === lf || code === cr;
  }

  /** Ends the cell or record if the character does so; returns whether it did. */
  function ends(code: number): boolean {
    if (code === comma) {
      endCell();
      return true;
    }
    if (isLineEnd(code)) {
      line += 1;
      afterCr = code === cr;
      endRecord();
      return true;
    }
    return false;
  }

  /** Consumes at least one character of the text from `at` on; returns the position after the last one. */
  function step(text: string, at: number): number {
    const code = text.charCodeAt(at);
    switch (state) {
      case 'start':
        if (code === quote) {
          state = 'quoted';
          return at + 1;
        }
        if (ends(code)) {
          return at + 1;
        }
        state = 'plain';
        return at;
      case 'plain': {
        let end = at;
        let found = code;
        while (end < text.length && found !== comma && found !== quote && !isLineEnd(found)) {
          end += 1;
          found = text.charCodeAt(end);
        }
        cell += text.slice(at, end);
        if (end === text.length) {
          return end;
        }
        if (found === quote) {
          lose(`has a quote within a cell that does not start with one (line ${line})`);
        } else {
          ends(found);
        }
        return end + 1;
      }
      case 'quoted': {
        const found = text.indexOf('"', at);
        const end = found === -1 ? text.length : found;
        const part = text.slice(at, end);
        line += part.match(/\r\n?|\n/g)?.length ?? 0;
        if (isCutAfterCr && part.startsWith('\n')) {
          // A CRLF split between two pieces is one line end.
          line -= 1;
        }
        isCutAfterCr = found === -1 && part.endsWith('\r');
        cell += part;
        if (found === -1) {
          return end;
        }
        state = 'closed';
        return end + 1;
      }
      case 'closed':
        if (code === quote) {
          cell += '"';
          state = 'quoted';
          return at + 1;
        }
        if (!ends(code)) {
          lose(`has text right behind a closing quote (line ${line})`);
        }
        return at + 1;
      case 'lost': {
        let end = at;
        while (end < text.length && !isLineEnd(text.charCodeAt(end))) {
          end += 1;
        }
        if (end < text.length) {
          ends(text.charCodeAt(end));
        }
        return end + 1;
      }
    }
  }

  function take(): TextRecord<string[]>[] {
    const taken = records;
    records = [];
    return taken;
  }

  return {
    push(text) {
      for (let at = 0; at < text.length; ) {
        if (afterCr) {
          afterCr = false;
          if (text.charCodeAt(at) === lf) {
            at += 1;
            continue;
          }
        }
        const before = at;
        const ended = records.length;
        at = step(text, at);
        if (records.length === ended) {
          length += at - before;
          if (length > maxLength && state !== 'lost') {
            lose(`${tooLong(maxLength)}; is a quote not closed?`);
          }
        }
      }
      return take();
    },
    end() {
      if (state === 'quoted') {
        lose('has a quote that is never closed');
      }
      endRecord();
      return take();
    },
  };
}

/** What spreadsheets treat as the start of a formula (OWASP, "CSV Injection"). */
const formula = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** Puts an apostrophe before a text that spreadsheets would run as a formula. */
export function guardFormula(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

/** Undoes `guardFormula`, and changes nothing else. */
export function unguardFormula(text: string): string {
  return text.startsWith("'") && formula.test(text.slice(1)) ? text.slice(1) : text;
}

export function toCsvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`;
}
