/** Spells numbers for people, in few columns. */

const PREFIXES = ['', 'k', 'M', 'G', 'T'];

/** Writes 0, 7.5, 12, 999, 1.2k, 34k, 5.6M: three digits at most. */
export function short(number: number): string {
  return scaled(number).join('');
}

/** Writes `0 bit/s`, `1.2 Mbit/s`. */
export function measured(number: number, unit: string): string {
  const [digits, prefix] = scaled(number);
  return `${digits} ${prefix}${unit}`;
}

/** What rounds to less than 0.1 is 0. */
function scaled(number: number): [digits: string, prefix: string] {
  if (!(number >= 0.05)) return ['0', ''];
  let rest = number;
  let at = 0;
  for (; rest >= 999.5 && at < PREFIXES.length - 1; at++) rest /= 1000;
  return [rest.toFixed(rest < 9.95 && !Number.isInteger(rest) ? 1 : 0), PREFIXES[at] as string];
}

/** Writes 12,345. */
export function grouped(number: number): string {
  return number.toFixed(0).replace(/(?<=\d)(?=(\d{3})+$)/g, ',');
}

/** Writes `5 s`, `12 min`, `3 h 4 min`, `2 d 3 h`. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Writes 0 %, < 1 %, 34 %: rounded, but full only when it is. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return '< 1 %';
  return `${share >= 1 ? 100 : Math.min(99, Math.round(share * 100))} %`;
}
