/** Finds the word that somebody meant. */

/** Returns the nearest of `words`, undefined when none is near. Case, dashes and underscores do not count. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const plain = plainOf(word);
  const [best] = words
    .map((each) => ({ each, distance: distance(plain, plainOf(each)) }))
    .filter(({ each, distance }) => distance <= Math.max(1, Math.floor(each.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return best?.each;
}

const plainOf = (word: string) => word.toLowerCase().replace(/[-_ ]/g, '');

/** Counts letters to add, remove, change, or swap with their neighbour. */
function distance(from: string, to: string): number {
  let older: number[] = [];
  let before = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const now = [row];
    for (let at = 1; at <= to.length; at++) {
      const changed = (before[at - 1] as number) + (from[row - 1] === to[at - 1] ? 0 : 1);
      let least = Math.min(changed, (before[at] as number) + 1, (now[at - 1] as number) + 1);
      if (row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1])
        least = Math.min(least, (older[at - 2] as number) + 1);
      now.push(least);
    }
    older = before;
    before = now;
  }
  return before[to.length] as number;
}
