/** Prints counters in a column nine characters wide. */

/** Counts of `from` or more are printed divided by `divisor`, truncated, with the letter after them. */
const UNITS = [
  { from: 10n ** 14n, divisor: 10n ** 12n, letter: 'T' },
  { from: 10n ** 11n, divisor: 10n ** 9n, letter: 'G' },
  { from: 10n ** 9n, divisor: 10n ** 6n, letter: 'M' },
  { from: 10n ** 8n, divisor: 10n ** 3n, letter: 'K' },
];

export function shortNumber(value: bigint | number): string {
  const count = BigInt(value);
  const unit = UNITS.find(({ from }) => count >= from);
  return unit ? String(count / unit.divisor).padStart(8) + unit.letter : String(count).padStart(9);
}

/** Prints a count as `-X` does: all digits, after a blank. */
export function exactNumber(value: bigint | number): string {
  return ` ${String(value).padStart(8)}`;
}
