/** Which words may stand at the cursor: options of the command, names, running services and servers. */
import { COMMANDS, OPTIONS, ownOptions, VALUES } from './options.js';

/** A rule that is in force: a service, or one of its servers. */
export interface Running {
  /** `-t`, `-u`, `--sctp-service` or `-f`. */
  option: string;
  service: string;
  server?: string;
}

const SERVICE_OPTIONS: Readonly<Record<string, string>> = {
  '-t': '-t',
  '--tcp-service': '-t',
  '-u': '-u',
  '--udp-service': '-u',
  '--sctp-service': '--sctp-service',
  '-f': '-f',
  '--fwmark-service': '-f',
};

/**
 * `words` are those after the program's name, up to the cursor; the last one is being written and may be empty.
 * `running` is asked only where its answer is of use.
 */
export async function candidates(words: readonly string[], running: () => Promise<Running[]>): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const found = await unfiltered(before, current, running);
  return [...new Set(found)].filter((word) => word.startsWith(current));
}

async function unfiltered(
  before: readonly string[],
  current: string,
  running: () => Promise<Running[]>,
): Promise<readonly string[]> {
  const last = before.at(-1) ?? '';
  const service = SERVICE_OPTIONS[last];
  if (service !== undefined) return (await running()).filter((rule) => rule.option === service).map((r) => r.service);
  if (last === '-r' || last === '--real-server') return serversOf(before, await running());
  const values = VALUES[last];
  if (values !== undefined) return values;
  const command = before.map(commandOf).find((name) => name !== undefined);
  if (command === undefined) return [...COMMANDS.flatMap(({ words }) => words), ...ownOptions];
  if (current !== '' && !current.startsWith('-')) return [];
  return OPTIONS[command] ?? [];
}

/** The servers of the line's service come first in mind; where it has none, as before an -a, all of them are offered. */
function serversOf(before: readonly string[], rules: readonly Running[]): string[] {
  const at = before.findIndex((word) => SERVICE_OPTIONS[word] !== undefined);
  const option = SERVICE_OPTIONS[before[at] ?? ''];
  const isAdding = before.some((word) => commandOf(word) === '-a');
  const servers = rules.flatMap(({ server, ...rule }) => (server === undefined ? [] : [{ ...rule, server }]));
  const own = servers.filter((rule) => rule.option === option && rule.service === before[at + 1]);
  return (own.length > 0 && !isAdding ? own : servers).map(({ server }) => server);
}

/** Returns the command that a word is, by its short spelling: `-L` for `-Ln` and `--list`. */
function commandOf(word: string): string | undefined {
  const cluster = word.startsWith('--') ? word : word.slice(0, 2);
  return COMMANDS.find(({ words }) => words.includes(cluster))?.words[0];
}
