import { strict as assert } from 'node:assert';
import { CONFIG_PATH, mistakesOf, parsed } from '../support/configs.js';

const WEB = 'source: 10.2.0.2\nservices:\n';

/** A text, and the beginning of each of its mistakes, in order. */
const MISTAKES: readonly [name: string, text: string, ...beginnings: string[]][] = [
  ['a field nobody knows', 'source: 10.2.0.2\ndevce: {}', '2:1: devce: there is no field "devce" here: write device'],
  ['kebab case', 'source: 10.2.0.2\npath-mtu: 1400', '2:1: path-mtu: there is no field "path-mtu" here: write pathMtu'],
  ['a missing source', 'pathMtu: 1400', '1:1: source: it is missing: write an address of this host'],
  ['an empty file', '', '1:1: source: it is missing'],
  ['a text instead of fields', 'hello', '1:1: the file holds no fields'],
  [
    'a value out of range',
    'source: 10.2.0.2\npathMtu: 70000',
    '2:10: pathMtu: 70000 cannot stand here: write an integer from 576 to 65535',
  ],
  [
    'a duration out of range',
    'source: 10.2.0.2\ntimeouts: { udp: 90d }',
    '2:18: timeouts.udp: 90d is not a whole number of seconds from 0 to 2678400',
  ],
  [
    'a size of no unit',
    'source: 10.2.0.2\ndevice: { maxPacketBytes: 3QB }',
    "2:27: device.maxPacketBytes: '3QB' cannot",
  ],
  [
    'several at once, in the order of the file',
    `${WEB}  - listen: tcp 192.0.2.1:80\n    shceduler: rr\n    servers: [{ address: 10.3.0.1, wieght: 2 }]\n    onePacket: 3\npathMtu: x`,
    '4:5: services[0].shceduler: there is no field "shceduler" here: write scheduler',
    '5:36: services[0].servers[0].wieght: there is no field "wieght" here: write weight',
    '6:16: services[0].onePacket: 3 cannot stand here: write true or false',
    "7:10: pathMtu: 'x' cannot stand here",
  ],
  [
    "what only the library's checks know",
    `pathMtuFloor: 1501\n${WEB}  - { listen: tcp 192.0.2.1:80, onePacket: true, servers: [{ address: 10.3.0.1, tunnelPort: 9 }] }`,
    '1:15: pathMtuFloor: 1501 cannot stand here: write at most the path MTU, 1500',
    '4:44: services[0].onePacket: true cannot stand here: write false',
    "4:93: services[0].servers[0].tunnelPort: 9 cannot stand here: write nothing, because 'ipip' has no port",
  ],
  [
    'what only the native part knows',
    `${WEB}  - { listen: tcp 192.0.2.1:80, scheduler: maglev, schedulerOptions: { tableSize: 1000 } }`,
    '3:83: services[0].schedulerOptions.tableSize: ',
  ],
  [
    'a service twice',
    `${WEB}  - listen: tcp [2001:db8::1]:80\n  - { protocol: tcp, address: "2001:DB8:0::1", port: 80 }`,
    '4:5: services[1]: the service tcp [2001:db8::1]:80 is configured already, at /etc/tunvs/web.yaml:3',
  ],
  [
    'a real server twice',
    `${WEB}  - { listen: tcp 192.0.2.1:80, servers: [10.3.0.1, { address: 10.3.0.1, port: 80 }] }`,
    '3:53: services[0].servers[1]: the real server 10.3.0.1:80 is configured already',
  ],
  [
    'a server that is named twice, and one that is not',
    `${WEB}  - { listen: tcp 192.0.2.1:80, servers: [{ dns: web, address: 10.3.0.1 }, { weight: 2 }] }`,
    '3:50: services[0].servers[0].dns: it cannot stand beside address',
    '3:76: services[0].servers[1]: the server has no address',
  ],
  ['a service without a name', `${WEB}  - { scheduler: rr }`, '3:5: services[0]: the service has no name'],
  [
    'a service with two names',
    `${WEB}  - { mark: 1, port: 80 }`,
    '3:22: services[0].port: it cannot stand beside mark',
  ],
  [
    'a port in no bracket',
    `${WEB}  - listen: tcp 2001:db8::1:80`,
    '3:13: services[0].listen: "tcp 2001:db8::1:80" names',
  ],
  ['a field twice', 'source: 10.2.0.2\nsource: 10.2.0.3', '2:1: "source" is given twice, first in line 1'],
  ['a merge key', 'source: 10.2.0.2\n<<: { pathMtu: 1400 }', '2:1: merge keys are no part of YAML 1.2'],
  ['an alias of nothing', 'source: *a', '1:9: there is no anchor &a before this alias'],
  ['a tag', 'source: !!binary aGk=', '1:18: the tag of this value has no meaning'],
  ['two documents', 'source: 10.2.0.2\n---\nsource: 10.2.0.3\n', '2:1: this is not YAML: '],
  ['a tab', 'device:\n\tname: web', '2:1: this is not YAML: tabs are not allowed'],
  ['NUL', 'source: 10.2.0.2\npathMtu: 1\0', '2:11: the character U+0000 cannot stand'],
  [
    'a sysctl nobody knows',
    'source: 10.2.0.2\nsysctls: { sloppy_tpc: 1 }',
    '2:12: sysctls.sloppy_tpc: there is no sysctl',
  ],
  [
    'a mark of two families',
    'source: 10.2.0.2\nmarks: [{ mark: 1, source: 10.0.0.0/8, destination: "2001:db8::1" }]',
    '2:53: marks[0].destination: ',
  ],
  [
    'a policy that is no file',
    `${WEB}  - { listen: tcp 192.0.2.1:80, policy: ./a.js }`,
    '3:41: services[0].policy: there is no module /etc/tunvs/a.js',
  ],
  [
    'a token in the open',
    'source: 10.2.0.2\ncontrol: { http: { port: 1, tokens: { read: secret } } }',
    '2:45: control.http.tokens.read: what stands here cannot be taken: write a map of file, env',
  ],
  [
    'a variable that is not set',
    'source: { env: DIP }',
    '1:9: source: the environment variable DIP is not set: set it, or write { env: DIP, default: VALUE }',
  ],
];

describe('a configuration', () => {
  for (const [name, text, ...beginnings] of MISTAKES) {
    it(`is refused with its place for ${name}`, () => {
      const mistakes = mistakesOf(text);
      assert.deepEqual(
        mistakes.map((mistake, at) => mistake.slice(0, beginnings[at]?.length ?? 0)),
        beginnings,
        mistakes.join('\n'),
      );
    });
  }

  it('has short forms, units and the canonical spelling of addresses', () => {
    const { spec } = parsed(`source: [10.2.0.2, "2001:db8:2::2"]
device: { maxPacketBytes: 4KiB }
busyPollUs: 1ms
timeouts: { tcp: 15m, udp: 300 }
sysctls: { net.ipv4.vs.sloppy_tcp: 1 }
services:
  - listen: tcp [2001:DB8::1]:8000-8099
    persistence: { timeoutSeconds: 10m }
    servers:
      - 10.3.0.11
      - { address: "2001:DB8:1:0::2", weight: 2 }
      - { dns: web.internal, refresh: 10s }
`);
    assert.deepEqual(JSON.parse(JSON.stringify(spec)), {
      source: ['10.2.0.2', '2001:db8:2::2'],
      device: { maxPacketBytes: 4096 },
      busyPollUs: 1000,
      timeouts: { tcp: 900, udp: 300 },
      sysctls: { sloppy_tcp: 1 },
      services: [
        {
          protocol: 'tcp',
          address: '2001:db8::1',
          port: 8000,
          lastPort: 8099,
          persistence: { timeoutSeconds: 600 },
          servers: [
            { address: '10.3.0.11' },
            { address: '2001:db8:1::2', weight: 2 },
            { dns: 'web.internal', refresh: 10_000 },
          ],
        },
      ],
    });
  });

  it('may be JSON, with tabs, a byte order mark and the ends of lines of Windows', () => {
    const text = '\uFEFF{\r\n\t"source": "10.2.0.2"\r\n}\r\n';
    const files = { '/etc/tunvs/one.json': '{\n\t"listen": "tcp 192.0.2.1:80"\n}' };
    assert.equal(parsed(text).spec.source, '10.2.0.2');
    assert.equal(parsed('source: 10.2.0.2\ninclude: one.json', files).spec.services?.length, 1);
  });

  it('takes variables where they are named, and nowhere else', () => {
    const named = 'source: { env: DIP }\npathMtu: { env: MTU, default: 1400 }';
    const { spec } = parsed(named, {}, { DIP: '10.2.0.9', MTU: '1300' });
    assert.deepEqual([spec.source, spec.pathMtu], ['10.2.0.9', 1300]);
    assert.equal(parsed(named, {}, { DIP: '10.2.0.9' }).spec.pathMtu, 1400);
    const inText = `source: 10.2.0.2\nlog: { level: '$${'{LEVEL}'}' }`;
    assert.match(mistakesOf(inText, {}, { LEVEL: 'debug' }).join(), /log\.level: '\$\{LEVEL\}' cannot stand here/);
    assert.deepEqual(
      parsed('source: 10.2.0.2\ncontrol: { http: { port: 1, tokens: { read: { env: SECRET } } } }', {}, { SECRET: 'x' })
        .spec.control?.http?.tokens,
      { read: { env: 'SECRET' } },
    );
  });

  it('knows where each value stands', () => {
    const { origins } = parsed(
      `${WEB}  - listen: tcp 192.0.2.1:80\n    servers:\n      - { address: 10.3.0.1, weight: 3 }\n`,
    );
    assert.deepEqual(origins.get('services[0].servers[0].weight'), { file: CONFIG_PATH, line: 5, column: 38 });
    assert.deepEqual(origins.get('services[0].port'), { file: CONFIG_PATH, line: 3, column: 13 });
  });

  it('warns of what works and was hardly meant', () => {
    const { warnings } = parsed(`${WEB}  - { listen: udp 192.0.2.1:53, onePacket: true }\ninclude: services.d/*.yaml`);
    assert.deepEqual(
      warnings.map(({ path, line, mend }) => [path, line, mend]),
      [
        ['include', 4, 'put files there, or leave it out'],
        ['services[0].onePacket', 3, 'choose wrr, rr, p2c or a hashing scheduler'],
      ],
    );
  });

  it('stops aliases that multiply, and levels without end, in bounded time', () => {
    const names = [...'abcdefghij'];
    const laughs = names
      .map((name, at) => `${name}: &${name} [${Array(9).fill(at ? `*${names[at - 1]}` : 1)}]`)
      .join('\n');
    const texts = [laughs, '['.repeat(1e6), `${'- '.repeat(20_000)}x`, `${'{a: '.repeat(1e5)}`];
    const begin = performance.now();
    for (const text of texts) assert.match(mistakesOf(text).join(), /aliases make more than|more than 32 levels deep/);
    assert.ok(performance.now() - begin < 20_000);
  });
});

describe('included files', () => {
  const include = (pattern: string) => `source: 10.2.0.2\ninclude: ${pattern}`;

  it('hold a service, a list of them, or fields, and come in the order of their names', () => {
    const { spec, files } = parsed(include('services.d'), {
      '/etc/tunvs/services.d/20.yaml': '- listen: tcp 192.0.2.2:80\n- listen: tcp 192.0.2.3:80',
      '/etc/tunvs/services.d/10.yml': 'listen: tcp 192.0.2.1:80',
      '/etc/tunvs/services.d/30.json': '{ "services": [{ "mark": 1 }], "marks": [{ "mark": 1, "port": 80 }] }',
      '/etc/tunvs/services.d/.40.yaml': 'a mistake',
      '/etc/tunvs/services.d/README': 'a mistake',
    });
    assert.deepEqual(
      spec.services?.map(({ address, mark }) => address ?? mark),
      ['192.0.2.1', '192.0.2.2', '192.0.2.3', 1],
    );
    assert.deepEqual(spec.marks, [{ mark: 1, port: 80 }]);
    assert.equal(files.length, 4);
  });

  it('are named by mistakes, also where two files hold one service', () => {
    const mistakes = mistakesOf(include('"*.svc"'), {
      '/etc/tunvs/a.svc': 'listen: tcp 192.0.2.1:80',
      '/etc/tunvs/b.svc': '# twice\nlisten: tcp 192.0.2.1:80',
    });
    assert.deepEqual(mistakes, [
      '/etc/tunvs/b.svc:2:1: services[1]: the service tcp 192.0.2.1:80 is configured already, at /etc/tunvs/a.svc:1: ' +
        'keep one of them, with the servers of both',
    ]);
  });

  it('are refused where they circle, are missing, or say what is for the whole', () => {
    const files = {
      '/etc/tunvs/a.yaml': 'include: b.yaml',
      '/etc/tunvs/b.yaml': 'include: a.yaml\nsource: 10.2.0.3',
      '/etc/tunvs/folder.yaml/x.yaml': 'listen: tcp 192.0.2.1:80',
    };
    assert.deepEqual(mistakesOf(include('[a.yaml, none.yaml, "folder*"]'), files), [
      '2:19: include: "/etc/tunvs/none.yaml": there is no such file: name a file that can be read',
      '/etc/tunvs/b.yaml:1:10: include: "/etc/tunvs/a.yaml" is included already: include each file once, and in no circle',
      '/etc/tunvs/b.yaml:2:1: source: "source" cannot stand in an included file: write it in the file that includes this one',
    ]);
  });
});
