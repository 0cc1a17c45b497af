/** Tells once that tunnel packets come from somebody who is not a director: most often `--director` is wrong. */

const INTERVAL_MS = 2000;

/** `refused` reads how many such packets there were; undefined where nobody counts them. Returns what ends the watch. */
export function tellOfStrangers(
  refused: () => bigint | undefined,
  say: (sentence: string) => void,
  intervalMs = INTERVAL_MS,
): () => void {
  const timer = setInterval(() => {
    if ((refused() ?? 0n) === 0n) return;
    clearInterval(timer);
    say(
      'tunnel packets come from an address that is not a --director, and are refused: if it is your director, name it' +
        ' with --director (tcpdump -n proto 4 or proto 41 or proto 47 or udp shows the address)',
    );
  }, intervalMs).unref();
  return () => clearInterval(timer);
}
