/** Wireshark dissects every kind of packet that a director emits and has nothing to complain about. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Director, type NoServerReply, type RealServerOptions } from '../../lib/index.js';
import { addressBytes } from '../../lib/values/inet.js';
import { icmp, ip, patch, tcp, udp } from '../support/packets.js';
import { sctp } from '../support/packets-sctp.js';
import { LINKTYPE_RAW, writePcap } from '../support/pcap.js';
import { type Dissected, dissect } from '../support/tshark.js';

type Family = 4 | 6;
type Tunnel = Pick<RealServerOptions, 'forwarding' | 'tunnelPort' | 'tunnelChecksum'>;

const GUE_PORT = 6080;
const MTU = 1500;
/** Wireshark has no dissector for these ports, so it does not look for a protocol that the payload is not. */
const [WEB, QUERIES, SCTP, EMPTY, NOBODY] = [48001, 48002, 48003, 48004, 48005];
/** This port has no assignment, so no service either. */
const UNKNOWN_PROTOCOL = 253;

const ADDRESSES = {
  4: { client: '198.51.100.7', vip: '192.0.2.10', director: '10.2.0.2', server: '10.3.0.11', router: '10.9.0.1' },
  6: {
    client: '2001:db8:1::7',
    vip: '2001:db8:9::9',
    director: '2001:db8:2::2',
    server: '2001:db8:3::11',
    router: '2001:db8:8::1',
  },
} as const;

const at = (address: string, port: number) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

const tunnels: { name: string; tunnel: Tunnel; layers: string }[] = [
  { name: 'IPIP', tunnel: { forwarding: 'ipip' }, layers: '' },
  ...(['none', 'checksum', 'remote'] as const).map((tunnelChecksum) => ({
    name: `GUE, checksum ${tunnelChecksum}`,
    tunnel: { forwarding: 'gue' as const, tunnelPort: GUE_PORT, tunnelChecksum },
    layers: ':udp:gue',
  })),
  ...(['none', 'checksum'] as const).map((tunnelChecksum) => ({
    name: `GRE, checksum ${tunnelChecksum}`,
    tunnel: { forwarding: 'gre' as const, tunnelChecksum },
    layers: ':gre',
  })),
];

/** The packets of clients to the virtual address: forwarded, answered, fragmented. */
function fromClients(family: Family): Uint8Array[] {
  const { client, vip } = ADDRESSES[family];
  const ends = (port: number, clientPort = 40000) => ({ from: at(client, clientPort), to: at(vip, port) });
  const headers = family === 4 ? 40 : 60;
  const full = 'x'.repeat(MTU - headers);
  const datagram = udp({ ...ends(QUERIES, 40001), payload: 'y'.repeat(3000) });
  return [
    tcp(ends(WEB)),
    tcp({ ...ends(WEB), flags: 'AP', payload: 'some text', tos: 0xb9 }),
    tcp({ ...ends(WEB), flags: 'A', payload: full, tos: 3 }),
    tcp({ ...ends(WEB), flags: 'A', payload: full, df: false }),
    tcp({ ...ends(WEB), flags: 'FA' }),
    udp({ ...ends(QUERIES), payload: 'a query of odd length', df: false, id: 77 }),
    udp({ ...ends(QUERIES), payload: '' }),
    sctp({ ...ends(SCTP), chunks: 'INIT' }),
    sctp({ ...ends(SCTP), chunks: 'COOKIE_ECHO+DATA' }),
    ...fragmentsOf(datagram, family),
    icmp({ from: client, to: vip, type: family === 4 ? 8 : 128, rest: 0x12340001, payload: 'are you there?' }),
    // This is an error about what a real server sent to the client.
    icmp({
      from: ADDRESSES[family].router,
      to: vip,
      type: family === 4 ? 3 : 2,
      code: family === 4 ? 4 : 0,
      rest: 1400,
      payload: tcp({ from: at(vip, WEB), to: at(client, 40000), flags: 'A', payload: 'z'.repeat(100) }),
    }),
    // Nobody serves these packets.
    tcp(ends(NOBODY)),
    tcp({ ...ends(NOBODY), flags: 'A' }),
    udp({ ...ends(NOBODY), payload: 'hello' }),
    sctp({ ...ends(NOBODY), chunks: 'INIT' }),
    ip(bytesOf(client), bytesOf(vip), UNKNOWN_PROTOCOL, new Uint8Array(40), {}),
    // This service has no real server.
    tcp(ends(EMPTY)),
    udp({ ...ends(EMPTY), payload: 'hello' }),
  ];
}

const bytesOf = (address: string) => addressBytes(address) as Uint8Array;

/** Cuts a packet as a host does for a link of 1500 bytes. */
function fragmentsOf(packet: Uint8Array, family: Family): Uint8Array[] {
  const { client, vip } = ADDRESSES[family];
  const payload = packet.subarray(family === 4 ? 20 : 40);
  const room = 1448;
  const fragments: Uint8Array[] = [];
  for (let offset = 0; offset < payload.length; offset += room) {
    const part = payload.slice(offset, offset + room);
    const mf = offset + room < payload.length;
    fragments.push(ip(bytesOf(client), bytesOf(vip), 17, part, { id: 4711, df: false, mf, fragmentOffset: offset }));
  }
  return fragments;
}

/** Errors about a tunnel packet, as a router on its way sends them. */
function fromTheTunnel(sent: Uint8Array): Uint8Array[] {
  const family = ((sent[0] ?? 0) >> 4) as Family;
  const { router, director } = ADDRESSES[family];
  const error = (type: number, code: number, rest = 0) =>
    icmp({ from: router, to: director, type, code, rest, payload: sent.slice(0, 500) });
  return family === 4 ? [error(11, 0), error(3, 1), error(3, 4, 1400)] : [error(3, 0), error(1, 3), error(2, 0, 1400)];
}

/** Returns everything that a director with this pool sends. */
async function emitted(
  inner: Family,
  outer: Family,
  tunnel: Tunnel,
  noServerReply: NoServerReply = 'unreachable',
): Promise<Uint8Array[]> {
  const { vip } = ADDRESSES[inner];
  const director = Director.offline({
    source: [ADDRESSES[4].director, ADDRESSES[6].director],
    pathMtu: MTU,
    noServerReply,
  });
  try {
    for (const [protocol, port] of [
      ['tcp', WEB],
      ['udp', QUERIES],
      ['sctp', SCTP],
    ] as const) {
      const service = director.addVirtualService({ protocol, address: vip, port, scheduler: 'rr' });
      service.addRealServer({ address: ADDRESSES[outer].server, ...tunnel });
    }
    for (const protocol of ['tcp', 'udp'] as const)
      director.addVirtualService({ protocol, address: vip, port: EMPTY, scheduler: 'rr' });
    let atMs = 0;
    const process = (packets: Uint8Array[]) =>
      packets.flatMap((packet) => {
        atMs += 10;
        return director.process(packet, atMs).outputs.map(({ data }) => data.slice());
      });
    const sent = process(fromClients(inner));
    const [first] = sent;
    assert.ok(first);
    return [
      ...sent,
      ...(tunnel.forwarding === 'dr' ? [] : process(fromTheTunnel(first))),
      ...process(fromClients(inner)),
    ];
  } finally {
    await director.close();
  }
}

describe('Wireshark', function () {
  this.timeout(60_000);
  this.slow(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-dissection-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  function dissectAll(packets: readonly Uint8Array[]): Dissected[] {
    const path = join(folder, 'packets.pcap');
    writePcap(
      path,
      packets.map((data, index) => ({ atUs: 1_767_225_600_000_000 + index, data })),
      LINKTYPE_RAW,
    );
    const dissected = dissect(path);
    assert.equal(dissected.length, packets.length);
    return dissected;
  }

  function assertNoComplaints(dissected: readonly Dissected[]): void {
    assert.deepEqual(
      dissected.filter(({ complaints }) => complaints.length > 0),
      [],
    );
  }

  const name = (family: Family) => (family === 4 ? 'ip' : 'ipv6');

  for (const { name: title, tunnel, layers } of tunnels) {
    for (const [inner, outer] of [
      [4, 4],
      [6, 4],
      [4, 6],
      [6, 6],
    ] as const) {
      it(`has nothing to say about ${title}, IPv${inner} in IPv${outer}, and the answers that go with it`, async () => {
        const dissected = dissectAll(await emitted(inner, outer, tunnel));
        assertNoComplaints(dissected);
        const seen = new Set(dissected.map(({ protocols }) => protocols));
        for (const transport of [':tcp', ':udp', ':sctp'])
          assert.ok(
            [...seen].some((each) => each.startsWith(`raw:${name(outer)}${layers}:${name(inner)}${transport}`)),
            `${transport} is missing among ${[...seen].join(' ')}`,
          );
        const answer = inner === 4 ? 'raw:ip:icmp' : 'raw:ipv6:icmpv6';
        assert.ok(
          [...seen].some((each) => each.startsWith(answer)),
          [...seen].join(' '),
        );
      });
    }
  }

  for (const family of [4, 6] as const) {
    it(`has nothing to say about direct routing of IPv${family}, and about resets`, async () => {
      const dissected = dissectAll(await emitted(family, family, { forwarding: 'dr' }, 'reset'));
      assertNoComplaints(dissected);
      assert.ok(dissected.some(({ info }) => /\[RST/.test(info)));
    });
  }

  it('does complain when one byte of any checksum is wrong', async () => {
    const [packet] = await emitted(4, 4, { forwarding: 'gre', tunnelChecksum: 'checksum' });
    const [datagram] = await emitted(4, 6, { forwarding: 'gue', tunnelPort: GUE_PORT, tunnelChecksum: 'checksum' });
    assert.ok(packet && datagram);
    const spoiled = [
      ['outer IP', patch(packet, 10, 0xde, 0xad), 'ip'],
      ['GRE', patch(packet, 24, 0xde, 0xad), 'gre'],
      ['inner IP', patch(packet, 38, 0xde, 0xad), 'ip'],
      ['inner TCP', patch(packet, 64, 0xde, 0xad), 'tcp'],
      ['UDP of the tunnel', patch(datagram, 46, 0xde, 0xad), 'udp'],
      ['SCTP', patch(sctp({ from: '192.0.2.1:1', to: '192.0.2.2:2', chunks: 'INIT' }), 30, 1, 2), 'sctp'],
      ['ICMP', patch(icmp({ from: '192.0.2.1', to: '192.0.2.2', type: 8 }), 22, 1, 2), 'icmp'],
      ['ICMPv6', patch(icmp({ from: '2001:db8::1', to: '2001:db8::2', type: 128 }), 42, 1, 2), 'icmpv6'],
    ] as const;
    const dissected = dissectAll(spoiled.map(([, bytes]) => bytes));
    for (const [index, [what, , layer]] of spoiled.entries())
      assert.ok(dissected[index]?.complaints.includes(layer), `${what}: ${JSON.stringify(dissected[index])}`);
  });
});
