/** A `C` for each set of label values that came before a limit was reached; those that come later share one. */
export interface LabelSets<C> {
  /** Of these label values, the `more` of them after the `own`. An array for each, because making them one costs more. */
  at(own: readonly string[], more?: readonly string[]): C;
  /** Whether it is the one that all share which came after the limit. */
  isOverflow(found: C): boolean;
}

/** For each value of a label the branch of the next one, or behind the last label what was made. */
type Branch<C> = Map<string, Branch<C> | C>;

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
  const root: Branch<C> = new Map();
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
      let next = branch.get(label) as Branch<C> | undefined;
      if (next === undefined) {
        next = new Map();
        branch.set(label, next);
      }
      branch = next;
    }
    const made = make(labels, false);
    branch.set(labels[last] as string, made);
    return made;
  }

  return {
    at(own, more = none) {
      const last = own.length + more.length - 1;
      let found: Branch<C> | C | undefined = root;
      for (let depth = 0; depth <= last && found !== undefined; depth += 1) {
        const label = (depth < own.length ? own[depth] : more[depth - own.length]) as string;
        found = (found as Branch<C>).get(label);
      }
      // An array that is put together by spreading has room for more, which each label set would keep.
      return (found as C | undefined) ?? add(own.concat(more));
    },
    isOverflow: (found) => found === overflow,
  };
}

const none: readonly string[] = [];
