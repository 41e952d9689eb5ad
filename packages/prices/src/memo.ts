/** Caches the results of `find`. Forgets all of them when it is full, as names come from outside and must not fill the memory. */
export function memoized<T>(maxNames: number, find: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined && !known.has(name)) {
      if (known.size >= maxNames) {
        known.clear();
      }
      found = find(name);
      known.set(name, found);
    }
    return found as T;
  };
}
