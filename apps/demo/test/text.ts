import type { TextLine, Word } from '../src/tools/receipt-ocr.ts';

/** Lines of text as the OCR tool hands them on; `|` separates the words of a line. */
export function textLines(...lines: readonly string[]): TextLine[] {
  return lines.map((line, row) => {
    const words = line.split('|').map((text, column): Word => {
      const [left, top] = [column * 100, row * 20];
      return { text: text.trim(), left, right: left + 90, top, bottom: top + 18 };
    });
    return { text: words.map((word) => word.text).join(' '), words };
  });
}
