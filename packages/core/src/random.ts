/** Chance from the user's source, and from the machine's where that fails or gives something else than 0 <= x < 1. */
export function guardedRandom(random: () => number): () => number {
  return () => {
    try {
      const given = random();
      if (given >= 0 && given < 1) {
        return given;
      }
    } catch {
      // As useless as a wrong number.
    }
    return Math.random();
  };
}
