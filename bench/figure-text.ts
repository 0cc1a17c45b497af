/** Writes figures and their names for readers. Thread safety: pure functions. */

/** Turns nsPerPacket into ns per packet. */
export function figureWords(figure: string): string {
  return figure.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Shows three to four significant figures. */
export function figureNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3);
}
