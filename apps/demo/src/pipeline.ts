import type { Analytics } from '@toolweaver/analytics';
import type { Receipt } from './receipt.ts';
import { categorize } from './tools/categorize.ts';
import { compareWithTruth } from './tools/compare.ts';
import { parseItems } from './tools/parse-items.ts';
import { receiptOcr } from './tools/receipt-ocr.ts';
import type { ToolError } from './tools/tool-error.ts';

export interface ProcessedReceipt {
  /** What is wrong with the extraction; empty if nothing is, or if there is no truth to compare with. */
  readonly problems: readonly ToolError[];
}

/**
 * Returns the skill `process_receipt`, which calls three tools in a row. It fails, with the error's type, when a tool fails or
 * when the total or the date differs from the truth. Every execution records the id of its receipt.
 */
export function createPipeline(analytics: Analytics): (receipt: Receipt) => Promise<ProcessedReceipt> {
  return async (receipt) => {
    const attributes = { receiptId: receipt.id };
    const step = <T>(name: string, fn: () => T): Promise<T> =>
      analytics.trackOperation({ kind: 'tool', name, attributes }, fn);
    try {
      return await analytics.trackOperation(
        { kind: 'skill', name: 'process_receipt', attributes },
        async (operation) => {
          const lines = await step('receipt_ocr', () => receiptOcr(receipt));
          const extraction = await step('parse_items', () => parseItems(lines));
          const { category, confidence } = await step('categorize', () => categorize(extraction));
          operation.set({ attributes: { ...attributes, category, confidence } });
          const problems = compareWithTruth(extraction, receipt.truth ?? {});
          const [first] = problems;
          if (first !== undefined) {
            operation.fail({ type: first.name, message: first.message });
          }
          return { problems };
        },
      );
    } catch (error) {
      // The failure is already recorded, and does not affect the next receipt.
      return { problems: [error as ToolError] };
    }
  };
}
