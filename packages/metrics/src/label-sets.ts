/** A `C` for each set of label values that came before a limit was reached; those that come later share one. */
export interface LabelSets<C> {
  /** Of these label values. Their array is kept: pass a new one each time. */
  at(labels: readonly string[]): C;
}

interface Branch<C> {
  readonly branches: Map<string, Branch<C>>;
  readonly leaves: Map<string, C>;
}

const newBranch = <C>(): Branch<C> => ({ branches: new Map(), leaves: new Map() });

/**
 * At most `limit` label sets, for good. For the one that all further sets share `make` gets empty values; `onOverflow` is called
 * each time it is asked for.
 */
export function createLabelSets<C>(
  limit: number,
  make: (labels: readonly string[], isOverflow: boolean) => C,
  onOverflow: () => void,
): LabelSets<C> {
  // Nested maps: a key put together from all labels costs more than its parts, and could be put together in two ways.
  const root = newBranch<C>();
  let size = 0;
  let overflow: C | undefined;

  function add(labels: readonly string[]): C {
    if (size >= limit) {
      onOverflow();
      overflow ??= make(
        labels.map(() => ''),
        true,
      );
      return overflow;
    }
    size += 1;
    let branch = root;
    const last = labels.length - 1;
    for (const label of labels.slice(0, last)) {
      let next = branch.branches.get(label);
      if (next === undefined) {
        next = newBranch();
        branch.branches.set(label, next);
      }
      branch = next;
    }
    const made = make(labels, false);
    branch.leaves.set(labels[last] as string, made);
    return made;
  }

  return {
    at(labels) {
      let branch: Branch<C> | undefined = root;
      const last = labels.length - 1;
      for (let depth = 0; depth < last && branch !== undefined; depth += 1) {
        branch = branch.branches.get(labels[depth] as string);
      }
      return branch?.leaves.get(labels[last] as string) ?? add(labels);
    },
  };
}
