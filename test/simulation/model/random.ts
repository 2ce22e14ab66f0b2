/** A seeded source of chance: the same seed gives the same run. */
export interface Random {
  /** Evenly from [0, 1). */
  readonly next: () => number;
  readonly between: (least: number, most: number) => number;
  /** As `between`, but often one of the two ends: that is where mistakes show. */
  readonly extreme: (least: number, most: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T | undefined;
  /** A source of its own, so that more draws here leave the draws there as they are. */
  readonly fork: (name: string) => Random;
}

/** mulberry32 (Tommy Ettinger): 32 bits of state are plenty for a scenario, and a draw costs nanoseconds. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + next() * (most - least);
  return {
    next,
    between,
    extreme: (least, most) => {
      const kind = next();
      if (kind < 0.3) return least;
      return kind < 0.6 ? most : between(least, most);
    },
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)],
    fork: (name) => randomOf(hash(name, seed)),
  };
}

/** FNV-1a over the name, begun at the seed. */
function hash(text: string, seed: number): number {
  let value = (seed ^ 0x811c9dc5) >>> 0;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
