/** Takes the comment off a line. */

/**
 * A comment begins with `#` or `!` that stands in no double quotes. A backslash at the end of the line counts behind a
 * comment as well, because a definition goes on after it.
 */
export function withoutComment(line: string): string {
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === '#' || character === '!')) {
      const code = line.slice(0, at).trim();
      return /\\\s*$/.test(line) ? `${code} \\`.trim() : code;
    }
  }
  return line.trim();
}
