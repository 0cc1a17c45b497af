/** What every `--dry-run --json` prints: one object, with the same keys for each verb; see docs/host.md. */
import { formatHostCommand, type HostStep } from '../host/step.js';
import { toJson } from './json.js';
import type { CliIo } from './verb.js';

export interface DryRun {
  verb: string;
  /** Devices that would be opened or made, each with the firewall mark that it gives to its packets. */
  devices: readonly { name: string; mark?: number }[];
  /** In the order in which they would be done. */
  host: readonly HostStep[];
  /** In ipvsadm's language; none where the verb reads no rules. */
  rules: readonly string[];
}

export function printDryRun({ verb, devices, host, rules }: DryRun, io: CliIo): void {
  const steps = host.map(({ description, command, undo }) => ({
    description,
    command: formatHostCommand(command),
    ...(undo && { undo: formatHostCommand(undo) }),
  }));
  io.stdout.write(`${toJson({ event: 'dryRun', verb, devices, host: steps, rules })}\n`);
}
