/** Finds the comments of rules, for the configuration that they become. */

/** Returns the comments before a rule and behind it, by the path of what the rule adds; `lines` gives its line. */
export function ruleComments(text: string, lines: ReadonlyMap<string, number>): Map<string, string> {
  const written = text.split(/\r\n|\n|\r/);
  const comments = new Map<string, string>();
  for (const [path, line] of lines) {
    const found: string[] = [];
    for (let at = line - 2; at >= 0; at--) {
      const comment = /^\s*#(.*)$/.exec(written[at] ?? '')?.[1];
      if (comment === undefined) break;
      found.unshift(comment);
    }
    // A quoted word may hold the sign as well; then nothing is lost that was a comment.
    const behind = /^[^"'\\]*\s#(.*)$/.exec(written[line - 1] ?? '')?.[1];
    if (behind !== undefined) found.push(behind);
    if (found.length > 0) comments.set(path, found.join('\n'));
  }
  return comments;
}
