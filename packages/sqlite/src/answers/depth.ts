/**
 * The number of nodes on the longest path up from a node to one whose parent is not in the map, or is on the path already. 0 for
 * an empty map. Visits each node once, even in cycles.
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
      // All nodes of a cycle have the same depth.
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
