import type { ErrorReport, FailureGroup, OperationErrors } from '@toolweaver/analytics-core';
import type { Db, Filter } from './filter.ts';
import { ratio, toCounts } from './numbers.ts';
import { type OperationFailures, operationFailures, operationTotals } from './operations.ts';
import { byKindAndName, compareTexts, descending, inOrder } from './order.ts';
import { select } from './selection.ts';

export interface ErrorsQuestion {
  readonly filter: Filter;
  readonly limit: number;
}

export async function errors(db: Db, { filter, limit }: ErrorsQuestion): Promise<ErrorReport> {
  const selection = await select(db, filter);
  const operations = (await operationTotals(db, selection)).map(({ kind, name, ...sums }): OperationErrors => {
    const { executions, failures } = toCounts(sums);
    return { kind, name, executions, failures, errorRate: ratio(failures, executions) ?? 0 };
  });
  const executions = sum(operations.map((operation) => operation.executions));
  const failures = sum(operations.map((operation) => operation.failures));
  return {
    executions,
    failures,
    errorRate: ratio(failures, executions),
    operations: operations
      .sort(
        inOrder(
          descending(({ errorRate }) => errorRate),
          descending((operation) => operation.failures),
          byKindAndName,
        ),
      )
      .slice(0, limit),
    groups: groupsOf(await operationFailures(db, selection), limit),
  };
}

function groupsOf(found: readonly OperationFailures[], limit: number): FailureGroup[] {
  // Summed up: with fractions, executions minus successes may come out less than the failures of a group.
  const all = sum(found.map((operation) => operation.failures));
  return Array.from(
    Map.groupBy(found, ({ errorType }) => errorType),
    ([errorType, own]): FailureGroup => {
      const failures = sum(own.map((operation) => operation.failures));
      return {
        errorType,
        failures,
        share: ratio(failures, all) ?? 0,
        operations: own
          .map(({ kind, name, failures: count }) => ({ kind, name, failures: count }))
          .sort(
            inOrder(
              descending((operation) => operation.failures),
              byKindAndName,
            ),
          )
          .slice(0, limit),
      };
    },
  )
    .sort(
      inOrder(
        descending((group) => group.failures),
        (one, other) => compareTexts(one.errorType, other.errorType),
      ),
    )
    .slice(0, limit);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
