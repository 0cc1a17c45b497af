import { strict as assert } from 'node:assert';
import { readGoldenJson } from '../support/golden.js';
import type { ByteCase, ByteTrace } from '../support/golden-bytes.js';
import { asFromDevice, comparable } from '../support/golden-comparable.js';
import { reassemble, whatArrives } from '../support/golden-fragments.js';
import { checksum, fromHex, routed, toHex, udp } from '../support/packets.js';
import { readIp } from '../support/packets-read.js';

function recorded(file: string, name: string): ByteCase {
  const { cases } = readGoldenJson(file) as ByteTrace;
  const found = cases.find((entry): entry is ByteCase => 'case' in entry && entry.case === name);
  assert.ok(found, `${file} has a case ${name}`);
  return found;
}

/** Returns the bytes of a packet that may have any value without the comparison noticing. */
function blindSpots(packet: Uint8Array): number[] {
  const compare = (bytes: Uint8Array) => toHex(comparable([bytes])[0] as Uint8Array);
  const same = compare(packet);
  return [...packet.keys()].filter((at) => {
    const changed = packet.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    mendHeader(changed, at);
    return compare(changed) === same;
  });
}

/** A changed IPv4 header gets its checksum, so that only the field itself is tested for being ignored. */
function mendHeader(packet: Uint8Array, changedAt: number): void {
  const headerBytes = readIp(packet)?.headerBytes ?? 0;
  if ((packet[0] ?? 0) >> 4 !== 4 || changedAt >= headerBytes || changedAt === 10 || changedAt === 11) return;
  packet.fill(0, 10, 12);
  new DataView(packet.buffer).setUint16(10, checksum(packet.subarray(0, headerBytes)));
}

describe('the comparison with recorded bytes', () => {
  const rows: [what: string, file: string, name: string, blind: number[]][] = [
    ['a tunnel packet with DF', 'encap-ipip.json', 'syn-options-df', []],
    ['the id of a tunnel packet without DF', 'encap-ipip.json', 'syn-df-clear', [4, 5]],
    ['the id of an ICMP error', 'encap-ipip-size.json', 'tcp-1481-df', [4, 5]],
    ['the id of an echo reply', 'encap-ipip.json', 'echo-to-vip', [4, 5]],
    ['a RST', 'encap-ipip.json', 'ttl-2-unscheduled-data', []],
    ['the source port of GUE', 'encap-gue.json', 'syn-options-df', [20, 21]],
    ['an IPv6 tunnel packet', 'encap6-6in6.json', 'syn', []],
    ["the flow label of the director's own ICMPv6", 'encap6-6in6.json', 'data 1461', [1, 2, 3]],
    ["the flow label of the director's own RST", 'encap6-6in6.json', 'syn to a port without service', [1, 2, 3]],
    ['the id of an IPv6 fragment', 'encap6-4in6.json', 'data 1461 nodf', [44, 45, 46, 47]],
  ];
  for (const [what, file, name, blind] of rows) {
    it(`${blind.length === 0 ? 'sees every byte of' : 'leaves out'} ${what}${blind.length === 0 ? '' : ', and nothing else'}`, () => {
      assert.deepEqual(blindSpots(fromHex(recorded(file, name).out[0] ?? '')), blind);
    });
  }

  it('sees a GUE checksum that does not fit its port', () => {
    const packet = fromHex(recorded('encap-gue-csum.json', 'syn-options-df').out[0] ?? '');
    assert.ok(blindSpots(packet).length === 0);
    const view = new DataView(packet.buffer);
    const before = toHex(comparable([packet])[0] as Uint8Array);
    const port = view.getUint16(20);
    const sum = view.getUint16(26);
    view.setUint16(20, port - 1);
    assert.notEqual(toHex(comparable([packet])[0] as Uint8Array), before);
    view.setUint16(26, sum + 1);
    assert.equal(toHex(comparable([packet])[0] as Uint8Array), before);
  });

  it('sees fragments that mix up their ids', () => {
    const [first, second] = recorded('encap-ipip-size.json', 'tcp-1481-nodf').out.map(fromHex) as [
      Uint8Array,
      Uint8Array,
    ];
    const other = second.slice();
    other[5] = (other[5] ?? 0) ^ 1;
    mendHeader(other, 5);
    assert.notDeepEqual(comparable([first, other]), comparable([first, second]));
  });

  it('lowers the TTL that an answer quotes where the question has passed one more router', () => {
    const {
      in: [question = ''],
      out: [answer = ''],
    } = recorded('encap-ipip.json', 'protocol-47-to-vip');
    const changed = readIp(asFromDevice(fromHex(answer), fromHex(question)));
    assert.ok(changed);
    assert.equal(checksum(changed.payload), 0);
    assert.equal(toHex(changed.payload.slice(8)), toHex(routed(fromHex(question))));
  });

  it('leaves an answer as it is that quotes what IPVS has passed on', () => {
    const {
      in: [question = ''],
      out: [answer = ''],
    } = recorded('encap-ipip-size.json', 'tcp-1481-df');
    assert.deepEqual(asFromDevice(fromHex(answer), fromHex(question)), fromHex(answer));
  });

  it('puts fragments together, inner and outer', () => {
    const { in: received, out } = recorded('encap-gue-fragments.json', 'udp-2028-reversed');
    const [question] = reassemble(received.map((hex) => routed(fromHex(hex))));
    assert.ok(question);
    assert.deepEqual(whatArrives(out.map(fromHex)), [`10.0.0.11: ${toHex(question)}`]);
    assert.deepEqual(whatArrives(out.slice(1).map(fromHex)), []);
  });

  it('takes a packet apart that was never in fragments', () => {
    const packet = udp({ from: '172.16.0.1:1024', to: '192.0.2.1:53', payload: 'query' });
    assert.deepEqual(reassemble([packet]), [packet]);
  });
});
