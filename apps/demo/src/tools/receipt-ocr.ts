import type { OcrBox, Receipt } from '../receipt.ts';
import { toolError } from './tool-error.ts';

/** A piece of text with its edges in pixels. */
export interface Word {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A line as a reader sees it: its words from left to right, and the same joined by spaces. */
export interface TextLine {
  readonly text: string;
  readonly words: readonly Word[];
}

/** Two words share a line if they overlap vertically by this part of the lower word's height. */
const MIN_OVERLAP = 0.5;
/** A word may start this far (in heights) before its left neighbour ends: boxes are often drawn too wide. */
const MAX_INTRUSION = 1;

/**
 * Puts the OCR boxes of a receipt in reading order: lines from top to bottom, words from left to right.
 * Lines are chained from neighbour to neighbour, so a page scanned askew keeps its lines; the slope measured on the
 * first chains is taken out before chaining again, so that amounts far to the right find their labels.
 *
 * @throws `NoTextError` if no box holds any text.
 */
export function receiptOcr(receipt: Receipt): TextLine[] {
  const boxes = receipt.lines.filter((line) => line.text.trim() !== '');
  if (boxes.length === 0) throw toolError('NoTextError', `receipt ${receipt.id}: none of its boxes holds any text`);

  const words = boxes.map(toWord);
  const printed = median(boxes.map(({ box }) => slope(box[0], box[1], box[2], box[3])));
  const chains = chain(words, printed);
  const neighbours = chains.flatMap((line) => line.slice(1).map((word, index) => slopeBetween(line[index], word)));
  return chain(words, neighbours.length < 5 ? printed : median(neighbours)).map((line) => ({
    text: line.map((word) => word.text).join(' '),
    words: line,
  }));
}

/** Groups words into lines of a page that descends by `tilt` pixels for every pixel to the right. */
function chain(words: readonly Word[], tilt: number): Word[][] {
  const lines: Word[][] = [];
  for (const word of words.toSorted((a, b) => a.left - b.left || a.top - b.top)) {
    let best: Word[] | undefined;
    let bestOverlap = MIN_OVERLAP;
    for (const line of lines) {
      const last = line.at(-1);
      const overlap = last === undefined ? 0 : overlapOf(last, word, tilt);
      if (overlap < bestOverlap) continue;
      best = line;
      bestOverlap = overlap;
    }
    if (best === undefined) lines.push([word]);
    else best.push(word);
  }
  const level = (line: Word[]): number => median(line.map((word) => middle(word) - tilt * centre(word)));
  return lines.toSorted((a, b) => level(a) - level(b));
}

function overlapOf(left: Word, right: Word, tilt: number): number {
  const lower = Math.min(height(left), height(right));
  if (right.left < left.right - MAX_INTRUSION * lower) return 0;
  const shift = tilt * (centre(right) - centre(left));
  return (Math.min(left.bottom, right.bottom - shift) - Math.max(left.top, right.top - shift)) / lower;
}

function toWord({ box, text }: OcrBox): Word {
  const xs = [box[0], box[2], box[4], box[6]];
  // Use the middles of the left and right edges: the outermost corners of a tilted box reach into other lines.
  const top = (Math.min(box[1], box[7]) + Math.min(box[3], box[5])) / 2;
  const bottom = (Math.max(box[1], box[7]) + Math.max(box[3], box[5])) / 2;
  return {
    text: text.trim().replaceAll(/\s+/g, ' '),
    left: Math.min(...xs),
    right: Math.max(...xs),
    top,
    bottom: Math.max(bottom, top + 1),
  };
}

function slopeBetween(left: Word | undefined, right: Word): number {
  return left === undefined ? 0 : slope(centre(left), middle(left), centre(right), middle(right));
}

function slope(x1: number, y1: number, x2: number, y2: number): number {
  return x2 > x1 ? (y2 - y1) / (x2 - x1) : 0;
}

function middle(word: Word): number {
  return (word.top + word.bottom) / 2;
}

function centre(word: Word): number {
  return (word.left + word.right) / 2;
}

function height(word: Word): number {
  return word.bottom - word.top;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
