/** Asks a running director what would become of a flow, as things stand there, with what its checks have found. */
import type { ExplainedFlow } from '../../values/flow-packet.js';
import { askDaemon, type DaemonArguments } from '../daemon-client.js';
import { UsageError } from '../verb.js';

/** What belongs to a director that explain makes itself. */
const OWN = [
  'source',
  'in',
  'seed',
  'pathMtuFloor',
  'pingReply',
  'noServerReply',
  'unmatchedReplies',
  'natSource',
  'maxConnections',
] as const;

const written = (option: string) => `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Whether the command line names no rules, so that a running director is meant. Throws where it means both. */
export function isOfRunning(options: DaemonArguments & { rules?: string }): boolean {
  const { rules, name, socket } = options;
  if (rules === undefined) {
    const own = OWN.find((option) => (options as Record<string, unknown>)[option] !== undefined);
    if (own === undefined) return true;
    throw new UsageError(
      `${written(own)} is for a director with --rules: name them, or leave it out to ask a running one`,
    );
  }
  if (name !== undefined || socket !== undefined)
    throw new UsageError('--rules makes a director of its own, and --name and --socket ask a running one: give one');
  return false;
}

export async function explainRunning(
  options: DaemonArguments & { mark?: number },
  flow: ExplainedFlow | undefined,
): Promise<{ text: string }> {
  if (flow === undefined) throw new UsageError('say which packet with --client and --virtual');
  const { mark } = options;
  return askDaemon(options, (client) => client.explain({ ...flow, ...(mark !== undefined && { mark }) }));
}
