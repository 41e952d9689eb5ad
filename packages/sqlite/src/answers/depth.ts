/**
 * How many lie on the longest way up from one to a parent that is not among them, or that the way has passed already. 0 for
 * none. Each is looked at once, whatever calls what.
 */
export function deepest(parents: ReadonlyMap<string, string | undefined>): number {
  const depths = new Map<string, number>();
  let result = 0;
  for (const start of parents.keys()) {
    const way: string[] = [];
    const places = new Map<string, number>();
    let at: string | undefined = start;
    while (at !== undefined && parents.has(at) && !depths.has(at) && !places.has(at)) {
      places.set(at, way.length);
      way.push(at);
      at = parents.get(at);
    }
    let depth = at === undefined ? 0 : (depths.get(at) ?? 0);
    const circle = at === undefined ? undefined : places.get(at);
    if (circle !== undefined) {
      // All of a circle lie equally deep.
      const round = way.splice(circle);
      depth = round.length;
      for (const one of round) {
        depths.set(one, depth);
      }
    }
    for (const one of way.reverse()) {
      depth += 1;
      depths.set(one, depth);
    }
    result = Math.max(result, depth);
  }
  return result;
}
