/** Runs nft(8) in a lab's host, for the rules that give packets their firewall marks. */
import { spawnSync } from 'node:child_process';
import type { LabHost } from '../../lib/lab/lab-host.js';

/** Says why nft is not available, undefined where it is. */
export function nftProblem(): string | undefined {
  const { error, status, stderr } = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  if (error) return 'needs nft: install it with "apt install nftables"';
  return status === 0 ? undefined : `needs nftables in the kernel: ${stderr.trim()}`;
}

/** Rules of a chain that sees packets before they are routed. */
export async function markInPrerouting(host: LabHost, rules: readonly string[]): Promise<void> {
  const chain = ['type filter hook prerouting priority mangle;', ...rules].join('\n');
  await host.exec(['nft', '-f', '-'], { input: `table inet steering {\nchain prerouting {\n${chain}\n}\n}\n` });
}
