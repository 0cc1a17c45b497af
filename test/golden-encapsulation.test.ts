import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { golden, readGoldenJson } from './support/golden.js';
import { type ByteTrace, compareBytes } from './support/golden-bytes.js';

/** Cases that are not sent: the recorded director's own router changed these packets, and ours is the host's. */
const LEFT_OUT: Readonly<Record<string, string>> = {
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

const DIFFERENT: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
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

const traces = readdirSync(golden).filter((file) => /^encap6?-.*\.json$/.test(file));

describe('what leaves the director', () => {
  for (const file of traces) {
    it(`is what left IPVS, byte for byte: ${file}`, async () => {
      const different = DIFFERENT[file] ?? {};
      const trace = readGoldenJson(file) as ByteTrace;
      const { compared, differences } = await compareBytes(trace, (name) => LEFT_OUT[name] !== undefined);
      const unexpected = differences.filter(({ name, ours }) => !different[name]?.test(ours));
      const texts = unexpected.map(({ name, text }) => `\n== ${name}\n${text}`);
      assert.equal(
        unexpected.length,
        0,
        `${unexpected.length} of ${compared.length} cases of ${file} differ${texts.join('\n')}`,
      );
      const agreeing = Object.keys(different).filter(
        (name) => !differences.some((difference) => difference.name === name),
      );
      assert.deepEqual(agreeing, [], 'these are listed as different, and are not');
    });
  }
});
