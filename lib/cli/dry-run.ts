/**
 * What every `--dry-run` prints: commands that a shell and ipvsadm would take. With `--json` it is one object, with the
 * same keys for each verb; see docs/host.md.
 */
import { formatHostCommand, type HostStep } from '../host/step.js';
import { toJson } from './json.js';
import type { CliIo } from './verb.js';

export interface DryRun {
  verb: string;
  /** Devices that would be opened or made, each with the firewall mark that it gives to its packets. */
  devices: readonly { name: string; mark?: number }[];
  /** Where programs would be attached in the kernel (docs/fast-path.md), if there can be any. */
  programs?: readonly { hook: 'egress' | 'ingress'; device: string }[];
  /** Devices of which rings would take packets (docs/rings.md). */
  rings?: readonly string[];
  /** In the order in which they would be done. */
  host: readonly HostStep[];
  /** In ipvsadm's language; none where the verb reads no rules. */
  rules: readonly string[];
}

/** `when` says what has to be there before the host is set up. */
export function printDryRun(
  dryRun: DryRun,
  { json = false, when }: { json?: boolean; when?: string },
  io: CliIo,
): void {
  io.stdout.write(json ? asJson(dryRun) : asText(dryRun, when));
}

function asText({ host, rules, programs = [], rings = [] }: DryRun, when: string | undefined): string {
  const lines = [
    when === undefined ? '# the host' : `# the host, ${when}`,
    ...host.map(({ description, command }) => `${formatHostCommand(command)}  # ${description}`),
    ...programs.map(({ hook, device }) => `# the fast path's program at the ${hook} of ${device}`),
    ...rings.map((device) => `# a ring of what comes in by ${device}, which nftables keep from the host`),
    ...(rules.length > 0 ? ['# the director', ...rules] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function asJson({ verb, devices, host, rules, programs = [], rings = [] }: DryRun): string {
  const steps = host.map(({ description, command, undo }) => ({
    description,
    command: formatHostCommand(command),
    ...(undo && { undo: formatHostCommand(undo) }),
  }));
  return `${toJson({ event: 'dryRun', verb, devices, programs, rings, host: steps, rules })}\n`;
}
