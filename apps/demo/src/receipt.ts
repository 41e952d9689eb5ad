/** Pixel corners `[x1, y1, x2, y2, x3, y3, x4, y4]`, clockwise from the top left; y grows downwards. */
export type Box = readonly [number, number, number, number, number, number, number, number];

/** One piece of text where the OCR saw it. */
export interface OcrBox {
  readonly box: Box;
  readonly text: string;
}

/** What the receipt really says, in its own spelling. Unknown fields are absent. */
export interface ReceiptTruth {
  readonly company?: string;
  readonly date?: string;
  readonly address?: string;
  readonly total?: string;
}

export interface Receipt {
  readonly id: string;
  readonly lines: readonly OcrBox[];
  readonly truth?: ReceiptTruth;
}

/** A line of the file: the receipt, or what is wrong with it and where. */
export type ReceiptLine = { readonly receipt: Receipt } | { readonly problem: string };

const TRUTH_FIELDS = ['company', 'date', 'address', 'total'] as const;

/** Reads one line of a JSON Lines file of receipts. Never throws: the first problem found is returned, with its field. */
export function parseReceiptLine(line: string): ReceiptLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!isRecord(value)) return { problem: `the line must be a JSON object with id and lines, not ${describe(value)}` };

  const { id, lines, truth } = value;
  if (typeof id !== 'string' || id.trim() === '') return wrong('id', id, 'a non-empty string');
  if (!Array.isArray(lines)) return wrong('lines', lines, 'an array of {box, text}');
  for (const [index, entry] of lines.entries()) {
    const problem = boxProblem(entry, `lines[${index}]`);
    if (problem !== undefined) return { problem };
  }
  if (truth === undefined || truth === null) return { receipt: { id, lines } };
  if (!isRecord(truth)) return wrong('truth', truth, 'an object');
  const known: Partial<Record<(typeof TRUTH_FIELDS)[number], string>> = {};
  for (const field of TRUTH_FIELDS) {
    const text = truth[field];
    if (text === undefined || text === null) continue;
    if (typeof text !== 'string') return wrong(`truth.${field}`, text, 'a string');
    if (text.trim() !== '') known[field] = text;
  }
  return { receipt: { id, lines, truth: known } };
}

function boxProblem(entry: unknown, field: string): string | undefined {
  if (!isRecord(entry)) return wrong(field, entry, 'an object {box, text}').problem;
  const { box, text } = entry;
  if (typeof text !== 'string') return wrong(`${field}.text`, text, 'a string').problem;
  if (!Array.isArray(box) || box.length !== 8) {
    return wrong(`${field}.box`, box, '8 numbers: x and y of the four corners, clockwise from the top left').problem;
  }
  const bad = box.findIndex((number) => !Number.isFinite(number));
  return bad < 0 ? undefined : wrong(`${field}.box[${bad}]`, box[bad], 'a number of pixels').problem;
}

function wrong(field: string, value: unknown, allowed: string): { readonly problem: string } {
  return { problem: `${field} must be ${allowed}, not ${describe(value)}` };
}

function describe(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
