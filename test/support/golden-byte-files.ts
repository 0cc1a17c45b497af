/** The recordings that have every byte, and where our director differs from them on purpose. */
import { readdirSync } from 'node:fs';
import { golden } from './golden.js';
import type { Comparison } from './golden-bytes.js';

export const byteFiles: readonly string[] = readdirSync(golden).filter((file) => /^encap6?-.*\.json$/.test(file));

/** Cases that are not sent: the recorded director's own router changed these packets, and ours is the host's. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'options-record-route': 'the router writes its address into the option',
  'options-timestamp': 'the router writes its clock into the option',
};

/** What we send instead, where we improve on IPVS on purpose; docs/differences.md has the reasons. */
const told = (mtu: number) => new RegExp(`^icmp6 too-big mtu ${mtu} 2001:db8:50::100 > 2001:db8:cccc::9 `);
const IN_FRAGMENTS = /^ipv6 .* fragment 0\+ 1296 bytes .*\nipv6 .* fragment 1248 \d+ bytes$/;

const toldBy4 = (mtu: number) => new RegExp(`^icmp frag-needed mtu ${mtu} 192.168.50.100 > 172.16.5.9 `);
/**
 * IPVS learns nothing from an error that quotes too little of an IPIP packet to name the client, so it goes on sending.
 */
const learned = (quoted: string) => ({
  [`frag-needed 1300 embedding ${quoted}: data 1400 again`]: toldBy4(1280),
  [`frag-needed 1300 embedding ${quoted}: data 1400 once more`]: toldBy4(1280),
  [`frag-needed 1300 embedding ${quoted}: data 1281`]: toldBy4(1280),
});

export const DIFFERENT: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  // IPVS does not understand errors about IPv6 tunnel packets.
  'encap6-6in6.json': {
    'too-big 1300 about the outer packet': told(1460),
    'data 1400 again': told(1280),
    'data 1400 once more': told(1280),
    'data 1281': told(1280),
    'data 1261': IN_FRAGMENTS,
    'data 1280': IN_FRAGMENTS,
  },
  'encap-ipip-icmp-outer.json': {
    ...learned('outer+8'),
    ...learned('inner 8 bytes'),
    ...learned('inner header'),
  },
};

/** Returns the differences that nobody has listed, as a text; '' when there are none. */
export function unexpectedIn(file: string, { compared, differences }: Comparison): string {
  const different = DIFFERENT[file] ?? {};
  const unexpected = differences.filter(({ name, ours }) => !different[name]?.test(ours));
  if (unexpected.length === 0) return '';
  const texts = unexpected.map(({ name, text }) => `\n== ${name}\n${text}`);
  return `${unexpected.length} of ${compared.length} cases of ${file} differ${texts.join('\n')}`;
}
