/** What a device that existed before must be again when the director gives it back. */
import type { Host } from './host.js';
import type { HostCommand } from './step.js';

interface LinkRow {
  flags: string[];
  mtu: number;
  txqlen?: number;
  inet6_addr_gen_mode?: string;
  linkinfo?: { info_data?: { persist?: boolean } };
}

/**
 * Returns the command that restores the device to what it is now; undefined for a TUN device that goes with its
 * process, and for a snapshot, because what the device was before is known by then.
 */
export function linkAsBefore(host: Host, device: string): HostCommand | undefined {
  if (host.snapshot !== undefined) return undefined;
  const said = host.query(['ip', '-j', '-d', 'link', 'show', 'dev', device]);
  const [link] = (said === undefined || said.trim() === '' ? [] : JSON.parse(said)) as LinkRow[];
  if (link?.linkinfo?.info_data?.persist !== true) return undefined;
  const { flags, mtu, txqlen, inet6_addr_gen_mode: mode } = link;
  return {
    argv: [
      ...['ip', 'link', 'set', 'dev', device, 'mtu', `${mtu}`],
      ...(txqlen === undefined ? [] : ['txqueuelen', `${txqlen}`]),
      ...(mode === undefined ? [] : ['addrgenmode', mode]),
      ...(flags.includes('UP') ? [] : ['down']),
    ],
  };
}

/** Spread the result into the step that changes the device. REQUIRES: called before anything is changed. */
export function undoOf(command: HostCommand | undefined): { undo?: HostCommand } {
  return command === undefined ? {} : { undo: command };
}
