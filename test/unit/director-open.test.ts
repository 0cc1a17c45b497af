import { strict as assert } from 'node:assert';
import { Director, type DirectorOpenOptions, OfflineDirector, RealServerHost } from '../../lib/index.js';

const SOURCE = '10.0.0.1';

describe('new', () => {
  for (const [name, made, mend] of [
    ['Director', Director, /^a director is not made by new: call Director\.open\(\) or Director\.offline\(\)$/],
    ['OfflineDirector', OfflineDirector, /^a director is not made by new: call Director\.open\(\)/],
    ['RealServerHost', RealServerHost, /^a real server's host is not made by new: call RealServerHost\.open\(\)$/],
  ] as [string, unknown, RegExp][]) {
    it(`${name}() says what to call instead`, () => {
      const Made = made as new (options?: object) => unknown;
      for (const options of [undefined, {}, { source: '10.2.0.2' }])
        assert.throws(() => new Made(options), {
          name: 'TunvsError',
          code: 'ERR_TUNVS_INVALID_ARGUMENT',
          message: mend,
        });
    });
  }
});

describe('opening a director', () => {
  const refused: [what: string, options: object, message: RegExp][] = [
    [
      'no source',
      { source: undefined },
      /Director\.open: source: expected a unicast address or a range of them, .*, got undefined: it is not a string$/,
    ],
    [
      'an empty list of sources',
      { source: [] },
      /Director\.open: source: expected the address that tunnel packets come from/,
    ],
    [
      'two sources of one family',
      { source: ['10.0.0.1', '10.0.0.2'] },
      /source: expected at most one address per family/,
    ],
    ['a multicast source', { source: '224.0.0.1' }, /source: expected a unicast address/],
    [
      'a mark device without a mark',
      { markDevices: [{}] },
      /markDevices\.mark: expected an integer from 1 to 4294967295/,
    ],
    ['mark 0 of a device', { markDevices: [{ mark: 0 }] }, /markDevices\.mark: .* from 1 to 4294967295, got 0/],
    [
      'two devices of one mark',
      { markDevices: [{ mark: 1 }, { mark: 1, name: 'b' }] },
      /markDevices\.mark: expected another mark for each device, got 1/,
    ],
    [
      'the main device as that of a mark',
      { device: { name: 'lvs0' }, markDevices: [{ mark: 1, name: 'lvs0' }] },
      /markDevices\.name: expected another name for each device, got 'lvs0'/,
    ],
    [
      'one device of two marks',
      {
        markDevices: [
          { mark: 1, name: 'a' },
          { mark: 2, name: 'a' },
        ],
      },
      /markDevices\.name: expected another name for each device, got 'a'/,
    ],
    [
      'a mark device of a wrong name',
      { markDevices: [{ mark: 1, name: 'a b' }] },
      /markDevices\.name: .* 1 to 15 bytes/,
    ],
    [
      'more queues than there are workers',
      { device: { queues: 60 }, markDevices: [{ mark: 1, queues: 5 }] },
      /markDevices\.queues: expected at most 64 of all devices together, got 65/,
    ],
    [
      'a mark device that is no list',
      { markDevices: { mark: 1 } },
      /markDevices: expected an array of \{ mark, \.\.\. \}/,
    ],
    ['an unknown option of a mark device', { markDevices: [{ mark: 1, device: 'a' }] }, /there is no option "device"/],
    ['an unknown egress', { egress: 'xdp' }, /egress: expected one of 'auto', 'packet', 'raw', 'tun', got 'xdp'/],
    [
      'a device name of 16 bytes',
      { device: { name: 'abcdefghijklmnop' } },
      /device\.name: expected an interface name of 1 to 15 bytes/,
    ],
    ['a device name with a slash', { device: { name: 'a/b' } }, /device\.name/],
    ['no queues', { device: { queues: 0 } }, /device\.queues: expected an integer from 1 to 64, got 0/],
    ['packets that are too short', { device: { maxPacketBytes: 575 } }, /device\.maxPacketBytes: .* from 576 to 65535/],
    ['an unknown device option', { device: { queue: 2 } }, /Director\.open: device: there is no option "queue"/],
    ['a table that is too small', { maxConnections: 1023 }, /maxConnections: .* from 1024 to 268435456, got 1023/],
    ['a seed that is no integer', { hashSeed: 1.5 }, /hashSeed/],
    ['a word for setUpHost', { setUpHost: 'no' }, /setUpHost: expected true or false, got 'no'/],
    [
      'an MTU beyond the longest packet',
      { setUpHost: { mtuBytes: 9000 } },
      /setUpHost\.mtuBytes: expected an integer from 576 to 2048/,
    ],
    ['endless spinning', { busyPollUs: 1_000_001 }, /busyPollUs/],
    ['no CPUs', { cpus: [] }, /cpus: expected a list of CPUs, such as \[2, 3\], got \[\]/],
    ['a CPU twice', { cpus: [0, 0] }, /cpus: expected each CPU once/],
    ['a CPU beyond the last', { cpus: [1024] }, /cpus: expected an integer from 0 to 1023, got 1024/],
    [
      'a CPU that this process may not use',
      { cpus: [1023] },
      /^CPU 1023 is not one that this process may run on, which/,
    ],
    [
      'another steering',
      { device: { steering: 'bpf' } },
      /device\.steering: expected one of 'auto', 'kernel', got 'bpf'/,
    ],
    [
      'a bypass of queueing by an egress that has none',
      { bypassesQdisc: true, egress: 'raw' },
      /bypassesQdisc: expected false, or true with egress 'packet', got true: name that egress/,
    ],
    [
      'an unknown option',
      { sources: SOURCE },
      /Director\.open: there is no option "sources"; it takes source, .*, device/,
    ],
    ['a path MTU below 576', { pathMtu: 575 }, /pathMtu: expected an integer from 576 to 65535, got 575/],
    ['an unknown ping reply', { pingReply: 'no' }, /pingReply: expected one of 'always', 'when-up', 'never', got 'no'/],
    [
      'an unknown answer of no server',
      { noServerReply: 'drop' },
      /noServerReply: expected one of 'unreachable', 'reset', got 'drop'/,
    ],
    [
      'a range with bits beyond its prefix',
      { source: '10.2.1.5/28' },
      /a range of them, .* got '10\.2\.1\.5\/28': it has bits beyond its prefix: write 10\.2\.1\.0\/28$/,
    ],
    [
      'a range beside an address of its family',
      { source: ['10.2.1.0/28', '10.0.0.1'] },
      /source: expected at most one address per family/,
    ],
  ];
  for (const [what, options, message] of refused) {
    it(`refuses ${what} by name`, async () => {
      const wrong = { source: SOURCE, ...options } as DirectorOpenOptions;
      await assert.rejects(Director.open(wrong), { name: 'TunvsError', code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
    });
  }

  it('rejects with the reason of a signal that was aborted before', async () => {
    await assert.rejects(Director.open({ source: SOURCE, signal: AbortSignal.abort(new Error('before')) }), /before/);
  });
});
