import { strict as assert } from 'node:assert';
import { readGoldenJson } from './support/golden.js';
import { GoldenDirector } from './support/golden-director.js';
import { fromHex, readOuter, routed, toHex } from './support/packets.js';

interface Case {
  case: string;
  in: string[];
  out: string[];
  desc: { what: string }[];
}

interface Encapsulation {
  setup: string[];
  cases: (Case | { event: string })[];
}

/** What the recorded director's own router did; in front of a TUN device the host does it. */
const ROUTERS: Record<string, string> = {
  'ttl-1': 'its TTL dies on the way to the device',
  'ttl-1-established': 'its TTL dies on the way to the device',
  'ttl-2-unscheduled-data': 'the host answers it',
  'ttl-1-unscheduled-data': 'its TTL dies on the way to the device',
  'ttl-0-unscheduled-data': 'its TTL dies on the way to the device',
  'options-record-route': 'the router writes its address into the option',
  'options-timestamp': 'the router writes its clock into the option',
};

const DONT_FRAGMENT = 0x40;

/** The outer id where DF is clear, and the checksum over it, are the sender's own choice. */
function comparable(tunnel: Uint8Array): string {
  const copy = tunnel.slice();
  if (((copy[6] ?? 0) & DONT_FRAGMENT) === 0) copy.fill(0, 4, 6).fill(0, 10, 12);
  return toHex(copy);
}

describe('a tunnel packet', () => {
  const { setup, cases } = readGoldenJson('encap-ipip.json') as Encapsulation;
  const forwarded = cases.filter(
    (entry): entry is Case => 'case' in entry && entry.desc.every(({ what }) => what === 'ipip'),
  );

  it("is IPVS's, byte for byte, whatever is in it", async () => {
    await using director = new GoldenDirector();
    for (const rule of setup) director.run(rule);
    let compared = 0;
    for (const entry of cases) {
      if (!('case' in entry) || ROUTERS[entry.case] !== undefined) continue;
      const outputs = entry.in.flatMap((hex) => director.send(routed(fromHex(hex)))).map(({ data }) => data);
      if (!forwarded.includes(entry) || entry.out.length === 0) continue;
      const expected = entry.out.map((hex) => comparable(fromHex(hex)));
      assert.deepEqual(outputs.map(comparable), expected, entry.case);
      compared++;
    }
    assert.ok(compared > 35, `only ${compared} cases were compared`);
  });

  it('is none where the ports are cut off', async () => {
    await using director = new GoldenDirector();
    for (const rule of setup) director.run(rule);
    const truncated = cases.filter(
      (entry): entry is Case => 'case' in entry && /^(tcp|udp)-truncated-/.test(entry.case),
    );
    assert.equal(truncated.length, 4);
    for (const entry of truncated) {
      assert.deepEqual(entry.out, [], entry.case);
      assert.deepEqual(director.send(routed(fromHex(entry.in[0] ?? ''))), [], entry.case);
    }
  });

  it('carries the packet as it came from the router', async () => {
    await using director = new GoldenDirector();
    for (const rule of setup) director.run(rule);
    const packet = routed(fromHex(forwarded[0]?.in[0] ?? ''));
    const [sent] = director.send(packet);
    assert.ok(sent);
    assert.deepEqual(readOuter(sent.data), {
      source: '10.0.0.1',
      destination: '10.0.0.11',
      protocol: 4,
      inner: packet,
    });
  });
});
