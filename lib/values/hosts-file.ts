/** Reads /etc/hosts (hosts(5)). */

/** Yields each line that names something: the address as it is written, and its names. */
export function* hostsLines(text: string): Generator<{ address: string; names: string[] }> {
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (names.length > 0) yield { address, names };
  }
}
