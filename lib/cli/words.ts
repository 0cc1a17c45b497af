/** Puts the library's sentences into the words of the command line: calls and options become the command's options. */

/**
 * What the library says, and what the commands say in its place. A test checks that the library's sources say the
 * former.
 */
export const WORDS: readonly (readonly [library: RegExp, command: string])[] = [
  [/\bopen the director with an (IPv[46]) source too\b/g, 'add --source with an $1 address'],
  [
    /\bopen the director with one in fullNat\.sources\b/g,
    'give one with --nat-source, or with fullNat.sources in a configuration',
  ],
  [/\bor name another source\b/g, 'or name another with --source'],
  [/\braise maxConnections\b/g, 'raise --max-connections'],
  [/\bopen it with offloads '(\w+)'/g, 'give --offloads $1'],
  [/\bopen it with egress '(\w+)'/g, 'choose --egress $1'],
  [/\bchoose mode "userspace"/g, 'choose --mode userspace'],
  [/\bsince forwarding does not name 'gue'/g, 'since --forwarding does not name gue'],
  [/\bask for fewer connections\b/g, 'ask for fewer with --max-connections'],
  [/\bmendHost\(\) puts it back\b/g, 'SIGHUP puts it back'],
  [/\bclose the director and open it again\b/g, 'start the command again'],
  [/\bopen it again\b/g, 'start the command again'],
];

export function commandWords(sentence: string): string {
  return WORDS.reduce((said, [library, command]) => said.replace(library, command), sentence);
}

/** Returns an error's sentence in the words of the command line, without the name of the library. */
export function errorWords({ message }: Error): string {
  return commandWords(message).replace(/^tunvs: /, '');
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
