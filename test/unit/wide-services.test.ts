/**
 * Tells which service a packet is for, where services have many addresses and ports, and marks. docs/marks.md has the
 * order.
 */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Director } from '../../lib/director/director.js';
import { addressBytes, parseRange } from '../../lib/values/inet.js';
import type { MarkRule } from '../../lib/values/marks.js';
import {
  type ServiceIdentity,
  serviceIdentity,
  serviceName,
  type VirtualServiceKey,
} from '../../lib/values/service-key.js';
import { readOuter, tcp, udp } from '../support/packets.js';

interface Flow {
  protocol: 'tcp' | 'udp';
  source: string;
  destination: string;
  port: number;
}

const KEYS: (VirtualServiceKey & { persistence?: object })[] = [
  { protocol: 'tcp', address: '192.0.2.1', port: 80 },
  { protocol: 'udp', address: '192.0.2.1', port: 80 },
  { protocol: 'tcp', address: '192.0.2.1', port: 0, persistence: {} },
  { protocol: 'tcp', address: '192.0.2.1', port: 1, lastPort: 65535 },
  { protocol: 'tcp', address: '192.0.2.1', port: 8000, lastPort: 8099 },
  { protocol: 'tcp', address: '192.0.2.1', port: 8050, lastPort: 8059 },
  { protocol: 'tcp', address: '192.0.2.0/24', port: 80 },
  { protocol: 'tcp', address: '192.0.2.0/24', port: 1, lastPort: 65535 },
  { protocol: 'tcp', address: '192.0.2.0/28', port: 8000, lastPort: 8099 },
  { protocol: 'udp', address: '192.0.0.0/16', port: 0, persistence: {} },
  { protocol: 'tcp', address: '2001:db8::/64', port: 80 },
  { mark: 1 },
  { mark: 2 },
  { mark: 1, family: 6 },
];

const MARKS: MarkRule[] = [
  { mark: 1, protocol: 'tcp', destination: '192.0.2.0/28', port: 80 },
  { mark: 1, source: '172.16.0.0/16', port: 8000, lastPort: 8055 },
  { mark: 2, destination: '192.0.2.1' },
  { mark: 3, destination: '192.0.2.2', port: 80 },
  { mark: 1, protocol: 'udp' },
  { mark: 1, destination: '2001:db8::1' },
];

const flow: fc.Arbitrary<Flow> = fc.oneof(
  fc.record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    source: fc.constantFrom('172.16.0.1', '172.17.0.1'),
    destination: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.200', '192.0.3.1'),
    port: fc.constantFrom(80, 443, 8000, 8055, 8056, 8099),
  }),
  fc.record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    source: fc.constant('2001:db8:5::5'),
    destination: fc.constantFrom('2001:db8::1', '2001:db8::2'),
    port: fc.constantFrom(80, 443),
  }),
);

const familyOf = (address: string) => (address.includes(':') ? 6 : 4);

function holds(prefix: string, address: string): boolean {
  if (familyOf(prefix) !== familyOf(address)) return false;
  const range = prefix.includes('/') ? parseRange(prefix) : { first: prefix, last: prefix };
  assert.ok('first' in range);
  const [first, last, asked] = [range.first, range.last, address].map((text) => addressBytes(text) as Uint8Array);
  return (
    Buffer.compare(asked as Uint8Array, first as Uint8Array) >= 0 &&
    Buffer.compare(asked as Uint8Array, last as Uint8Array) <= 0
  );
}

function markOf(rules: readonly MarkRule[], { protocol, source, destination, port }: Flow): number | undefined {
  return rules.find(
    (rule) =>
      (rule.protocol ?? protocol) === protocol &&
      (rule.source === undefined || holds(rule.source, source)) &&
      (rule.destination === undefined || holds(rule.destination, destination)) &&
      (rule.port === undefined || (port >= rule.port && port <= (rule.lastPort ?? rule.port))),
  )?.mark;
}

const lengthOf = (address: string) => Number(address.split('/')[1] ?? 128);
const widthOf = ({ port, lastPort = port }: ServiceIdentity) => (port === 0 ? 65536 : lastPort - port);

/** Finds the service by the order of docs/marks.md, in the plainest way. */
function serviceOf(services: readonly ServiceIdentity[], rules: readonly MarkRule[], asked: Flow) {
  const mark = markOf(rules, asked);
  const marked = services.find((each) => each.mark === mark && familyOf(each.address) === familyOf(asked.destination));
  if (mark !== undefined && marked) return marked;
  const fitting = services
    .filter(({ mark }) => mark === undefined)
    .filter(({ protocol, address }) => protocol === asked.protocol && holds(address, asked.destination))
    .filter(({ port, lastPort = port }) => port === 0 || (asked.port >= port && asked.port <= lastPort));
  return fitting.sort((a, b) => lengthOf(b.address) - lengthOf(a.address) || widthOf(a) - widthOf(b))[0];
}

describe('a packet', () => {
  it('is for the service that docs/marks.md says, whatever services and marks there are', () => {
    const configured = fc.record({
      keys: fc.shuffledSubarray(KEYS),
      marks: fc.shuffledSubarray(MARKS),
      flows: fc.array(flow, { minLength: 1, maxLength: 20 }),
    });
    fc.assert(
      fc.property(configured, ({ keys, marks, flows }) => {
        const director = Director.offline({ source: '10.1.1.1', maxConnections: 1024 });
        director.setMarks(marks);
        const names = new Map<string, string>();
        for (const [index, key] of keys.entries()) {
          const service = director.addVirtualService(key);
          const address = `10.0.0.${index + 1}`;
          service.addRealServer({ address });
          names.set(address, serviceName(service));
        }
        const services = director.stats().services;
        for (const [index, asked] of flows.entries()) {
          const isIp6 = familyOf(asked.source) === 6;
          const end = (address: string, port: number) => (isIp6 ? `[${address}]:${port}` : `${address}:${port}`);
          const ends = { from: end(asked.source, 10_000 + index), to: end(asked.destination, asked.port) };
          const packet = asked.protocol === 'tcp' ? tcp({ ...ends, flags: 'S' }) : udp(ends);
          const { outputs, verdicts } = director.process(packet, index);
          const got = verdicts[0] === 'forwarded' ? readOuter(outputs[0]?.data ?? packet).destination : '';
          const expected = serviceOf(services, marks, asked);
          assert.equal(names.get(got), expected && serviceName(expected), JSON.stringify({ asked, verdicts }));
        }
        void director.close();
      }),
      { numRuns: 300 },
    );
  });
});

describe('the rows of stats', () => {
  it('name services as they were added', () => {
    const director = Director.offline({ source: '10.1.1.1', maxConnections: 1024 });
    for (const key of KEYS) director.addVirtualService(key);
    const names = director.stats().services.map(serviceName);
    assert.deepEqual(new Set(names), new Set(director.virtualServices.map(serviceName)));
    assert.equal(new Set(names).size, KEYS.length);
    for (const service of director.virtualServices) {
      assert.deepEqual(serviceName(serviceIdentity(service.nativeKey)), serviceName(service));
      assert.equal(serviceName(service.stats()), serviceName(service));
      assert.equal(director.virtualService(service), service);
    }
  });
});
