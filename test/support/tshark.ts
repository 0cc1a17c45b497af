/** Asks Wireshark's dissectors about a capture. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Dissected {
  frame: number;
  /** `raw:ip:udp:gue:ip:tcp` */
  protocols: string;
  info: string;
  /** Bad checksums and malformed parts, in Wireshark's words; empty when it has nothing to say. */
  complaints: string[];
}

/** Every layer that has a checksum, with what makes Wireshark verify it where it does not by itself. */
const CHECKSUMS: Readonly<Record<string, string[]>> = {
  ip: ['ip.check_checksum:TRUE'],
  tcp: ['tcp.check_checksum:TRUE'],
  // Tunnels over IPv6 may omit it (RFC 6935), as GUE does when told to.
  udp: ['udp.check_checksum:TRUE', 'udp.ignore_ipv6_zero_checksum:TRUE'],
  sctp: ['sctp.checksum:CRC 32c'],
  icmp: [],
  icmpv6: [],
  gre: [],
};

/** Wireshark's numbers: 0 bad, 1 good, 2 not verified, 3 not there, 4 must not be like this. */
const BAD = new Set(['0', '4']);

/**
 * A TCP checksum of 0xffff, number 4, is 0 in ones' complement. Linux writes it so where it finishes a client's
 * checksum, as for UDP, and Wireshark complains.
 */
const isBad = (layer: string, state: string): boolean => BAD.has(state) && !(layer === 'tcp' && state === '4');

/**
 * The layers that may surround the payload. After them Wireshark goes by whatever port a client happens to have, or
 * guesses; what it finds malformed there is nobody's packet.
 */
const LAYERS = new Set([
  'frame',
  'raw',
  'eth',
  'ethertype',
  'ip',
  'ipv6',
  'tcp',
  'udp',
  'sctp',
  'icmp',
  'icmpv6',
  'gue',
  'gre',
  'data',
]);

const TRANSPORTS = new Set(['tcp', 'udp', 'sctp']);

/** `expert.group` of Wireshark's own: checksum, malformed, and "protocol violation". */
const COMPLAINTS: Readonly<Record<string, string>> = {
  '0x01000000': 'checksum',
  '0x07000000': 'malformed',
  '0x09000000': 'protocol',
};

/** `filter` is a display filter for the frames of interest. */
export function dissect(path: string, filter = ''): Dissected[] {
  const layers = Object.keys(CHECKSUMS);
  const fields = [
    'frame.number',
    'frame.protocols',
    '_ws.col.Info',
    '_ws.malformed',
    '_ws.expert.group',
    '_ws.expert.message',
    ...layers.map((layer) => `${layer}.checksum.status`),
  ];
  const settings = [
    ...Object.values(CHECKSUMS).flat(),
    // These look at connections, of which only one direction is here; the packets are what counts.
    'tcp.analyze_sequence_numbers:FALSE',
    'tcp.desegment_tcp_streams:FALSE',
    'nameres.network_name:FALSE',
  ];
  const output = execFileSync(
    'tshark',
    [
      ...['-n', '-r', path, '-X', `lua_script:${script()}`, '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=|'],
      ...settings.flatMap((setting) => ['-o', setting]),
      ...fields.flatMap((field) => ['-e', field]),
      ...(filter === '' ? [] : ['-Y', filter]),
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 },
  );
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [frame = '', protocols = '', info = '', malformed = '', groups = '', messages = '', ...states] =
        line.split('\t');
      // Wireshark computes the checksum of a quoted packet over what is there, which is mostly cut short.
      const summed = /icmp(v6)?:ip/.test(protocols) ? layers.filter((layer) => !TRANSPORTS.has(layer)) : layers;
      const isOurs = protocols.split(':').every((layer) => LAYERS.has(layer.split('.')[0] as string));
      const experts = groups
        .split('|')
        .map((group, index) => [COMPLAINTS[group], messages.split('|')[index]])
        .filter(([kind]) => kind !== undefined && (isOurs || kind !== 'malformed'));
      return {
        frame: Number(frame),
        protocols,
        info,
        complaints: [
          ...(malformed === '' || !isOurs ? [] : ['malformed']),
          ...experts.map((each) => each.join(': ')),
          ...summed.filter((layer) => states[layers.indexOf(layer)]?.split('|').some((state) => isBad(layer, state))),
        ],
      };
    });
}

/** It is not compiled, so it stays in the checkout's test folder. */
function script(): string {
  for (const place of ['./gue.lua', '../../../test/support/gue.lua']) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error('test/support/gue.lua is not there');
}
