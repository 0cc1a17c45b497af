/** HAProxy's agent-check text (HAProxy's configuration manual, 5.2, "agent-check"). */

/** What one line of an agent says. What it does not name is undefined. */
export interface AgentWords {
  /** The part of the configured weight, as of '75%'. */
  factor?: number;
  maxconn?: number;
  /** What the agent has found; the last such word of the line counts. */
  operating?: 'up' | 'down' | 'failed' | 'fail' | 'stopped';
  /** What an operator wants; the last such word counts. */
  administrative?: 'ready' | 'drain' | 'maint';
  /** What stands behind '#'. */
  description?: string;
  /** Words that mean nothing, up to three of them. */
  unknown?: string[];
}

/** HAProxy takes no weight beyond 256 times the configured one. */
const MAX_PERCENT = 25_600;
const MAX_CONNECTIONS = 0xffff_ffff;

const OPERATING = ['up', 'down', 'failed', 'fail', 'stopped'] as const;
const ADMINISTRATIVE = ['ready', 'drain', 'maint'] as const;

/** Reads a line; words are separated by spaces, tabs and commas, and their case does not matter. */
export function parseAgentLine(line: string): AgentWords {
  const sharp = line.indexOf('#');
  const words = (sharp < 0 ? line : line.slice(0, sharp)).split(/[ \t,]+/).filter((word) => word !== '');
  const said: AgentWords = {};
  for (const word of words) readWord(word.toLowerCase(), said);
  const description = sharp < 0 ? '' : line.slice(sharp + 1).trim();
  if (description !== '') said.description = description;
  return said;
}

function readWord(word: string, said: AgentWords): void {
  const operating = OPERATING.find((each) => each === word);
  const administrative = ADMINISTRATIVE.find((each) => each === word);
  const percent = /^(\d{1,9})%$/.exec(word)?.[1];
  const maxconn = /^maxconn:(\d{1,10})$/.exec(word)?.[1];
  if (operating !== undefined) said.operating = operating;
  else if (administrative !== undefined) said.administrative = administrative;
  else if (percent !== undefined) said.factor = Math.min(Number(percent), MAX_PERCENT) / 100;
  else if (maxconn !== undefined && Number(maxconn) <= MAX_CONNECTIONS) said.maxconn = Number(maxconn);
  else if ((said.unknown?.length ?? 0) < 3) said.unknown = [...(said.unknown ?? []), word.slice(0, 32)];
}
