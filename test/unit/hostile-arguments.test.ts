/** Whatever is passed to a public method, it succeeds or throws a TunvsError, and a refusal changes nothing. */
import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import {
  connectionPolicy,
  Director,
  type OfflineDirector,
  RealServerHost,
  tablePolicy,
  TunvsError,
  weightsPolicy,
} from '../../lib/index.js';
import { isTunvsErrorCode } from '../../lib/values/errors.js';
import { Watch } from '../../lib/stats/watch.js';
import { tcp } from '../support/packets.js';

// biome-ignore lint/suspicious/noExplicitAny: what is handed in is of no type
type Any = any;

const VIP = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

class Hostile extends Error {}

function throws(): never {
  throw new Hostile('a getter that throws');
}

/** Made anew for every call, because a call may use them up. */
const values: Record<string, () => Any> = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  infinity: () => Number.POSITIVE_INFINITY,
  '1.5': () => 1.5,
  '-1': () => -1,
  '-0': () => -0,
  '2**32': () => 2 ** 32,
  '2**53': () => 2 ** 53,
  'the empty text': () => '',
  x: () => 'x',
  'a text with a null': () => '192.0.2.1\0',
  true: () => true,
  '{}': () => ({}),
  '[]': () => [],
  '[null]': () => [null],
  'a sparse array': () => new Array(3),
  symbol: () => Symbol('hostile'),
  '10n': () => 10n,
  'a function': () => () => 1,
  'a class': () => class {},
  'an object without a prototype': () => Object.create(null),
  'an empty typed array': () => new Uint8Array(),
  'a detached array': () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    return bytes;
  },
  'a detached array of times': () => {
    const times = new Float64Array(1);
    structuredClone(times, { transfer: [times.buffer] });
    return times;
  },
  'a proxy that throws': () =>
    new Proxy(
      {},
      { get: throws, has: throws, ownKeys: throws, getPrototypeOf: throws, getOwnPropertyDescriptor: throws },
    ),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a revoked array': () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return proxy;
  },
  'what throws when it is converted': () => ({ toString: throws, valueOf: throws, [Symbol.toPrimitive]: throws }),
  'what throws when it is shown': () => ({ [inspect.custom]: throws }),
  'what throws when it is walked through': () => ({ [Symbol.iterator]: throws }),
};

/** Makes options: each in turn is one of the values, or a getter that throws or returns another value every time. */
function optionsOf(valid: Record<string, unknown>, more: readonly string[] = []): [string, () => Any][] {
  return [...Object.keys(valid), ...more].flatMap((name) => {
    const cases = Object.entries(values).map(([said, make]): [string, () => Any] => [
      `${name}: ${said}`,
      () => ({ ...valid, [name]: make() }),
    ]);
    const getter = (get: () => unknown) => () => Object.defineProperty({ ...valid }, name, { get, enumerable: true });
    const changing = () => {
      let read = 0;
      return getter(() => (read++ === 0 ? valid[name] : Symbol('the second time')))();
    };
    return [...cases, [`${name}: a getter that throws`, getter(throws)], [`${name}: a getter that changes`, changing]];
  });
}

const anything = (): [string, () => Any][] => Object.entries(values);

const SERVICE_OPTIONS = [
  'lastPort',
  'mark',
  'family',
  'scheduler',
  'schedulerFlags',
  'schedulerOptions',
  'persistence',
  'onePacket',
  'timeouts',
  'midStream',
  'slowStart',
  'rescheduleUdp',
  'policy',
];
const SERVER_OPTIONS = ['weight', 'forwarding', 'tunnelPort', 'tunnelChecksum', 'upperThreshold', 'lowerThreshold'];

interface Bench {
  director: OfflineDirector;
}

const service = ({ director }: Bench) => director.virtualServices[0] as Any;
const server = (bench: Bench) => service(bench).realServers[0] as Any;

/** Does what a call does beyond returning: begins iterations, awaits promises. */
const calls: Record<string, [cases: () => [string, () => Any][], call: (bench: Bench, value: Any) => unknown]> = {
  'Director.offline': [
    () => [
      ...anything(),
      ...optionsOf({ source: '10.0.0.1' }, [
        'pathMtu',
        'pathMtuFloor',
        'pingReply',
        'noServerReply',
        'maxConnections',
        'seed',
        'localAddresses',
      ]),
    ],
    (_, value) => void Director.offline(value).close(),
  ],
  addVirtualService: [
    () => [...anything(), ...optionsOf({ ...VIP, port: 81 }, SERVICE_OPTIONS)],
    ({ director }, value) => director.addVirtualService(value),
  ],
  virtualService: [
    () => [...anything(), ...optionsOf(VIP, ['lastPort', 'mark', 'family'])],
    ({ director }, value) => director.virtualService(value),
  ],
  deleteVirtualService: [
    () => [...anything(), ...optionsOf(VIP, ['lastPort', 'mark', 'family'])],
    ({ director }, value) => director.deleteVirtualService(value),
  ],
  // What the function throws is its caller's own, and so is what a class throws when it is called.
  transaction: [
    () => anything().filter(([said]) => said !== 'a class'),
    ({ director }, value) => director.transaction(value),
  ],
  'addVirtualService in a transaction': [
    () => optionsOf({ ...VIP, port: 81 }, SERVICE_OPTIONS),
    ({ director }, value) =>
      director.transaction((open) => {
        director.zero();
        open.addVirtualService(value);
      }),
  ],
  setMarks: [
    () => [
      ...anything(),
      ...optionsOf({ mark: 1 }, ['protocol', 'source', 'destination', 'port', 'lastPort']).map(
        ([said, make]): [string, () => Any] => [said, () => [{ mark: 7 }, make()]],
      ),
    ],
    ({ director }, value) => director.setMarks(value),
  ],
  'watch, which is of directors with a device': [anything, ({ director }, value) => director.watch(value)],
  watch: [
    () => [...anything(), ...optionsOf({ intervalMs: 20 }, ['signal'])],
    ({ director }, value) =>
      new Watch(value ?? null, { read: () => director.stats(), now: () => 0, ended: () => {} }).close(),
  ],
  connections: [
    () => [
      ...anything(),
      ...optionsOf({}, [
        'kind',
        'protocol',
        'clientAddress',
        'clientPort',
        'virtualAddress',
        'virtualPort',
        'serverAddress',
        'serverPort',
        'state',
        'active',
        'signal',
      ]),
    ],
    async ({ director }, value) => {
      for await (const _ of director.connections(value));
    },
  ],
  'explain: packet': [
    () => [
      ...anything(),
      ...optionsOf(
        { protocol: 'tcp', clientAddress: '198.51.100.1', clientPort: 9, virtualAddress: VIP.address, virtualPort: 80 },
        ['flags'],
      ),
    ],
    ({ director }, value) => director.explain(value),
  ],
  'explain: options': [
    () => [...anything(), ...optionsOf({ mark: 1 })],
    ({ director }, value) => director.explain(new Uint8Array(20), value),
  ],
  setTimeouts: [
    () => [...anything(), ...optionsOf({ tcp: 7 }, ['tcpFin', 'udp', 'established', 'sctpInit'])],
    ({ director }, value) => director.setTimeouts(value),
  ],
  'setSysctl: name': [anything, ({ director }, value) => director.setSysctl(value, 1)],
  'setSysctl: value': [anything, ({ director }, value) => director.setSysctl('conn_reuse_mode', value)],
  'process: packets': [anything, ({ director }, value) => director.process(value, 5)],
  'process: packets in a list': [anything, ({ director }, value) => director.process([new Uint8Array(20), value], 5)],
  'process: atMs': [anything, ({ director }, value) => director.process(new Uint8Array(20), value)],
  advance: [anything, ({ director }, value) => director.advance(value)],
  'VirtualService.edit': [
    () => [...anything(), ...optionsOf({ scheduler: 'wrr' }, SERVICE_OPTIONS)],
    (bench, value) => service(bench).edit(value),
  ],
  'VirtualService.realServer': [
    () => [...anything(), ...optionsOf({ address: '10.1.0.1', port: 80 })],
    (bench, value) => service(bench).realServer(value),
  ],
  'VirtualService.addRealServer': [
    () => [...anything(), ...optionsOf({ address: '10.1.0.2', port: 80 }, SERVER_OPTIONS)],
    (bench, value) => service(bench).addRealServer(value),
  ],
  'RealServer.edit': [
    () => [...anything(), ...optionsOf({ weight: 3 }, SERVER_OPTIONS)],
    (bench, value) => server(bench).edit(value),
  ],
  'RealServer.weight': [
    anything,
    (bench, value) => {
      server(bench).weight = value;
    },
  ],
  'RealServer.drain': [
    () => [...anything(), ...optionsOf({}, ['signal', 'timeoutMs', 'deadlineMs'])],
    (bench, value) => server(bench).drain(value),
  ],
  'tablePolicy: build': [anything, (_, value) => tablePolicy(value)],
  'tablePolicy: options': [
    () => [...anything(), ...optionsOf({}, ['size', 'hash', 'name'])],
    (_, value) => tablePolicy(() => [], value),
  ],
  'weightsPolicy: weigh': [anything, (_, value) => weightsPolicy(value)],
  'weightsPolicy: options': [
    () => [...anything(), ...optionsOf({}, ['intervalMs', 'signal', 'name'])],
    (_, value) => weightsPolicy(() => ({}) as Any, value),
  ],
  'connectionPolicy: decide': [
    () => [...anything(), ...optionsOf({ decideBatch: () => {} })],
    (_, value) => connectionPolicy(value),
  ],
  'connectionPolicy: options': [
    () => [...anything(), ...optionsOf({}, ['deadlineMs', 'packetBytes', 'name'])],
    (_, value) => connectionPolicy(() => undefined, value),
  ],
  'RealServerHost.plan': [
    () => [
      ...anything(),
      ...optionsOf({ virtualAddresses: '192.0.2.1', directors: '10.0.0.1', mode: 'userspace' }, [
        'forwarding',
        'guePorts',
        'greChecksum',
        'device',
        'offloads',
        'arpSuppression',
        'signal',
      ]),
    ],
    (_, value) => RealServerHost.plan(value),
  ],
};

/** Calls that must not succeed here because they would open devices; valid ones are left out. */
const openings: typeof calls = {
  'Director.open': [
    () => [
      ...anything(),
      ...optionsOf({ source: 'x' }, [
        'device',
        'markDevices',
        'egress',
        'hashSeed',
        'setUpHost',
        'busyPollUs',
        'cpus',
        'bypassesQdisc',
        'signal',
      ]),
    ],
    (_, value) => Director.open(value),
  ],
  'RealServerHost.open': [
    () => [...anything(), ...optionsOf({ virtualAddresses: 'x', directors: 'x' }, ['device', 'signal'])],
    (_, value) => RealServerHost.open(value),
  ],
};

function bench(): Bench {
  const director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
  director.addVirtualService(VIP).addRealServer({ address: '10.1.0.1', weight: 5 });
  return { director };
}

/** All that a caller can see of a director. */
function seen({ director }: Bench) {
  const { atMs, ...stats } = director.stats();
  return {
    stats,
    services: director.virtualServices.map((each) => [
      each.scheduler,
      each.schedulerFlags,
      each.schedulerOptions,
      each.persistence,
      each.onePacket,
      each.midStream,
      each.slowStart,
      each.rescheduleUdp,
      each.timeouts,
      each.policy?.name,
      each.realServers.map(({ weight }) => weight),
    ]),
    marks: director.marks,
    timeouts: director.stateTimeouts,
    sysctls: director.sysctls,
  };
}

/** As callers write it: a name, or names with dots between. */
const OPTION = /^(?!undefined)[a-z]\w*(\.\w+)*$/i;
/** Where the arguments as a whole cannot be read, none of them is at fault alone. */
const UNREADABLE = /^\w+(\.\w+)?: the arguments cannot be read: /;

describe('arguments that are hostile', () => {
  for (const [name, [cases, call]] of Object.entries({ ...calls, ...openings })) {
    it(`${name}: succeeds, or refuses with a TunvsError and changes nothing`, async () => {
      let refused = 0;
      let made: Bench | undefined;
      for (const [said, make] of cases()) {
        // A director that a refusal left as it was serves again.
        made ??= bench();
        const before = seen(made);
        let error: unknown;
        try {
          await call(made, make());
        } catch (thrown) {
          error = thrown;
        }
        if (error !== undefined) {
          refused++;
          assert.ok(error instanceof TunvsError, `${name}, ${said}: ${inspect(error)}`);
          assert.ok(isTunvsErrorCode(error.code), `${name}, ${said}: ${error.code}`);
          assert.notEqual(error.message, '');
          if (error.code === 'ERR_TUNVS_INVALID_ARGUMENT' && !UNREADABLE.test(error.message))
            assert.match(`${error.option}`, OPTION, `${name}, ${said}: ${error.message}`);
          assert.deepEqual(seen(made), before, `${name}, ${said}: a refusal changed something`);
        } else {
          await made.director.close();
          made = undefined;
        }
      }
      await made?.director.close();
      assert.ok(refused > 0, 'nothing was refused');
    });
  }

  it('an option is read once, so that what was checked is what is used', () => {
    const { director } = bench();
    let read = 0;
    const options = {
      ...VIP,
      port: 82,
      get scheduler() {
        return read++ === 0 ? 'rr' : 'bad';
      },
    };
    assert.equal(director.addVirtualService(options as Any).scheduler, 'rr');
    assert.equal(read, 1);
  });

  it('drain() takes part of a millisecond, and drains nothing before it has looked at all', async () => {
    const made = bench();
    await server(made).drain({ timeoutMs: 1.5 });
    assert.equal(server(made).isDraining, true);
  });

  it('a program that has put a setter in the way of every list may close the director by it', async () => {
    const { director } = bench();
    const packets = Array.from({ length: 600 }, (_, i) =>
      tcp({ from: `198.51.100.7:${1024 + i}`, to: '192.0.2.1:80' }),
    );
    assert.equal(director.process(packets, 0).outputs.length, 600);
    const listed = director.connections();
    let closes = 0;
    Object.defineProperty(Array.prototype, '0', {
      configurable: true,
      set: () => {
        closes++;
        void director.close();
      },
    });
    try {
      await assert.rejects(async () => {
        for await (const _ of listed);
      });
    } finally {
      Reflect.deleteProperty(Array.prototype, '0');
    }
    assert.ok(closes > 0);
    assert.throws(() => director.addVirtualService({ ...VIP, port: 83 } as Any), { code: 'ERR_TUNVS_CLOSED' });
  });
});
