/** How evenly events lie in time: counts them by pieces. */

const PIECE_MS = 10;
const SECOND_MS = 1000;

/** The events in the median, 99th and busiest 10 ms, and in the busiest second. Pieces that are not whole do not count. */
export function spreadOf(eventsMs: readonly number[], fromMs: number, tookMs: number) {
  const pieces = counted(eventsMs, fromMs, tookMs, PIECE_MS).sort((a, b) => a - b);
  const at = (share: number) => pieces[Math.floor(share * (pieces.length - 1))] ?? 0;
  return {
    medianIn10Ms: at(0.5),
    p99In10Ms: at(0.99),
    mostIn10Ms: at(1),
    mostInSecond: Math.max(0, ...counted(eventsMs, fromMs, tookMs, SECOND_MS)),
  };
}

function counted(eventsMs: readonly number[], fromMs: number, tookMs: number, pieceMs: number): number[] {
  const pieces = new Array<number>(Math.floor(tookMs / pieceMs)).fill(0);
  for (const atMs of eventsMs) {
    const piece = Math.floor((atMs - fromMs) / pieceMs);
    const count = pieces[piece];
    if (count !== undefined) pieces[piece] = count + 1;
  }
  return pieces;
}
