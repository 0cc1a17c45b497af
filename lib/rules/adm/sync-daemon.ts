/** `--start-daemon` and `--stop-daemon`. */
import { TunvsError } from '../../values/errors.js';
import type { Command } from '../command.js';
import { RulesError } from '../errors.js';
import type { SessionTarget } from '../session.js';

export type DaemonCommand = Extract<Command, { command: 'startDaemon' | 'stopDaemon' }>;

/** ipvsadm's, which most hosts do not have any more. */
const DEFAULT_INTERFACE = 'eth0';

export function isDaemonCommand(rule: { command: string }): rule is DaemonCommand {
  return rule.command === 'startDaemon' || rule.command === 'stopDaemon';
}

/** Throws a RulesError for what the kernel would refuse. */
export function runDaemonCommand(target: SessionTarget, rule: DaemonCommand): void {
  try {
    if (rule.command === 'stopDaemon') return target.stopSync(rule.role);
    const { role, syncId, maxLength, group, port, ttl, peers, keyFile } = rule;
    // Peers are found by routes.
    const by = rule.interface ?? (peers === undefined ? DEFAULT_INTERFACE : undefined);
    target.startSync({
      role,
      ...(by !== undefined && { interface: by }),
      ...(peers !== undefined && { peers }),
      ...(keyFile !== undefined && { keyFile }),
      ...(syncId !== undefined && { syncid: syncId }),
      ...(maxLength !== undefined && { maxMessageBytes: maxLength }),
      ...(group !== undefined && { group }),
      ...(port !== undefined && { port }),
      ...(ttl !== undefined && { ttl }),
    });
  } catch (error) {
    const text = error instanceof TunvsError ? IPVSADM_WORDS[error.code] : undefined;
    throw text === undefined
      ? error
      : new RulesError((error as TunvsError).message, { ipvsadm: { text, exitStatus: 255 } });
  }
}

const IPVSADM_WORDS: Readonly<Record<string, string>> = {
  ERR_TUNVS_EXISTS: 'Daemon has already run',
  ERR_TUNVS_NOT_FOUND: 'No daemon is running',
  ERR_TUNVS_NO_DEVICE: 'No such device',
};
