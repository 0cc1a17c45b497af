/** The names that devices would get. */

/** The kernel replaces `%d` by the lowest number whose name is free. */
export function deviceNames(wanted: readonly string[], isThere: (name: string) => boolean): string[] {
  const names: string[] = [];
  const isTaken = (name: string) => names.includes(name) || isThere(name);
  for (const name of wanted) {
    let number = 0;
    while (name.includes('%d') && isTaken(name.replace('%d', `${number}`))) number += 1;
    names.push(name.replace('%d', `${number}`));
  }
  return names;
}
