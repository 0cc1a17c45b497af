/**
 * Counts packets that show a client the networks behind a director with NAT: as source or destination, or in what an
 * ICMP error quotes. It needs nft, whose counters lose nothing, however much comes in.
 */
import type { LabHost } from '../../lib/lab/lab-host.js';

/** The same for both families: where an ICMP error's quoted packet has its addresses, in bits behind the outer header. */
const QUOTED = { ip: [160, 192], ip6: [128, 256] } as const;
const ERRORS = {
  ip: 'icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem }',
  ip6: 'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }',
} as const;

export interface InnerSecrets {
  /** Returns how many packets came in, and how many of them showed an address of those networks. */
  counts(): Promise<{ all: number; shown: number }>;
}

export async function watchInnerSecrets(
  host: LabHost,
  device: string,
  networks: readonly string[],
): Promise<InnerSecrets> {
  const rules = networks.flatMap((network) => {
    const family = network.includes(':') ? 'ip6' : 'ip';
    const { bits, hex } = prefixBits(network);
    return [
      ...['saddr', 'daddr'].map((end) => `${family} ${end} ${network}`),
      ...QUOTED[family].map((offset) => `${ERRORS[family]} @th,${offset},${bits} 0x${hex}`),
    ].map((match) => `${match} counter name shown`);
  });
  const chain = [`type filter hook ingress device "${device}" priority 0;`, 'counter name seen', ...rules];
  const table = `table netdev secrets {\ncounter seen {}\ncounter shown {}\nchain ingress {\n${chain.join('\n')}\n}\n}\n`;
  await host.exec(['nft', '-f', '-'], { input: table });
  return {
    async counts() {
      const { stdout } = await host.exec(['nft', '-j', 'list', 'counters']);
      const listed = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] };
      const of = (name: string) => listed.nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0;
      return { all: of('seen'), shown: of('shown') };
    },
  };
}

/** REQUIRES: the length is a multiple of eight. */
function prefixBits(network: string): { bits: number; hex: string } {
  const [address = '', length = ''] = network.split('/');
  const bits = Number(length);
  const groups = address.includes(':')
    ? address
        .split('::')[0]
        ?.split(':')
        .map((group) => group.padStart(4, '0'))
    : address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return {
    bits,
    hex: (groups ?? [])
      .join('')
      .padEnd(32, '0')
      .slice(0, bits / 4),
  };
}
