import { strict as assert } from 'node:assert';
import type { NativeServiceKey } from '../../lib/native/services.js';
import {
  checkedServiceKey,
  nativeServiceKey,
  type ServiceIdentity,
  serverPortOf,
  serviceIdentity,
  serviceName,
  type VirtualServiceKey,
} from '../../lib/values/service-key.js';

const KEYS: [key: VirtualServiceKey, name: string, native: NativeServiceKey, serverPort: number][] = [
  [
    { protocol: 'tcp', address: '192.0.2.1', port: 80 },
    'tcp 192.0.2.1:80',
    { protocol: 6, address: '192.0.2.1', port: 80 },
    80,
  ],
  [
    { protocol: 'udp', address: '192.0.2.0/28', port: 53 },
    'udp 192.0.2.0/28:53',
    { protocol: 17, address: '192.0.2.0', prefix: 28, port: 53 },
    53,
  ],
  [
    { protocol: 'tcp', address: '2001:DB8::/64', port: 8000, lastPort: 8099 },
    'tcp [2001:db8::/64]:8000-8099',
    { protocol: 6, address: '2001:db8::', prefix: 64, port: 8000, lastPort: 8099 },
    0,
  ],
  [
    { protocol: 'sctp', address: '192.0.2.1/32', port: 9, lastPort: 9 },
    'sctp 192.0.2.1:9',
    { protocol: 132, address: '192.0.2.1', port: 9 },
    9,
  ],
  [
    { protocol: 'tcp', address: '192.0.2.1', port: 0 },
    'tcp 192.0.2.1:0',
    { protocol: 6, address: '192.0.2.1', port: 0 },
    0,
  ],
  [{ mark: 1 }, 'mark 1', { protocol: 0, address: '0.0.0.0', port: 0, mark: 1 }, 0],
  [
    { mark: 4294967295, family: 6 },
    'mark 4294967295 IPv6',
    { protocol: 0, address: '::', port: 0, mark: 4294967295 },
    0,
  ],
];

describe('the name of a virtual service', () => {
  for (const [key, name, native, serverPort] of KEYS) {
    it(`may be ${name}`, () => {
      const identity = checkedServiceKey('call', key);
      assert.equal(serviceName(identity), name);
      assert.deepEqual(nativeServiceKey(identity), native);
      assert.deepEqual(serviceIdentity(native), identity);
      assert.deepEqual(checkedServiceKey('call', identity), identity, 'a name in full names the same');
      assert.equal(serverPortOf(identity), serverPort);
    });
  }

  const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
  const mistakes: [what: string, key: object, message: RegExp][] = [
    ['nothing', {}, /call: protocol/],
    [
      'a name for an address',
      { ...WEB, address: 'web' },
      /a unicast address or a range of them, got .*: it is not an IP address/,
    ],
    ['bits beyond the prefix', { ...WEB, address: '192.0.2.1/28' }, /write 192\.0\.2\.0\/28/],
    ['too short a prefix', { ...WEB, address: '0.0.0.0/0' }, /write \/8 or longer/],
    ['a prefix of multicast addresses', { ...WEB, address: '224.0.0.0/8' }, /a unicast address/],
    ['ports that go back', { ...WEB, lastPort: 79 }, /lastPort: expected an integer from 80 to 65535, got 79/],
    ['a range from port 0', { ...WEB, port: 0, lastPort: 9 }, /none with port 0, which is every port/],
    ['mark 0', { mark: 0 }, /mark: expected an integer from 1/],
    ['a family that is none', { mark: 1, family: 5 }, /family: expected 4 or 6/],
    ['a mark and an address', { mark: 1, ...WEB }, /protocol: expected none with a mark/],
  ];
  for (const [what, key, message] of mistakes) {
    it(`may not have ${what}`, () => {
      assert.throws(() => checkedServiceKey('call', key as ServiceIdentity), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        message,
      });
    });
  }
});
