/** What stands in keys becomes part of a configuration, and mistakes are named by the key. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { mistakeSentence } from '../../lib/config/mistake.js';
import { parseConfigAside } from '../../lib/config/parse-aside.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import type { ConfigParts } from '../../lib/config/read/parts.js';

const WEB = '/site/services/web';
const DIRECTOR = '/site/director';

function parse(parts: ConfigParts, file = 'source: 10.2.0.2') {
  return parseConfig(file, { path: 'own.yaml', parts });
}

function mistakes(parts: ConfigParts, file?: string): string[] {
  const found = parse(parts, file);
  return 'mistakes' in found ? found.mistakes.map(mistakeSentence) : [];
}

const web = (text: string, ...servers: string[]): ConfigParts => ({
  services: [
    {
      service: { name: WEB, text },
      servers: servers.map((each, at) => ({ name: `${WEB}/servers/${at}`, text: each })),
    },
  ],
});

describe('a configuration in parts', () => {
  it('has the services and servers of its keys, in YAML or JSON, with their origins', async () => {
    const parts = {
      settings: { name: DIRECTOR, text: 'timeouts: { tcp: 60 }' },
      ...web(
        'listen: tcp 192.0.2.1:80\nscheduler: wrr\nservers: [10.3.0.10]',
        '{"address": "10.3.0.11", "weight": 3}',
        '10.3.0.12:80',
      ),
    };
    const found = parse(parts);
    assert.ok('spec' in found, JSON.stringify(found));
    const { spec, origins } = found;
    assert.deepEqual(spec.timeouts, { tcp: 60 });
    const servers = spec.services?.[0]?.servers?.map(({ address, port, weight }) => [address, port, weight]);
    assert.deepEqual(servers, [
      ['10.3.0.10', undefined, undefined],
      ['10.3.0.11', undefined, 3],
      ['10.3.0.12', 80, undefined],
    ]);
    assert.deepEqual(origins.get('services[0].scheduler'), { file: WEB, line: 2, column: 12 });
    assert.equal(origins.get('services[0].servers[1].weight')?.file, `${WEB}/servers/0`);
    assert.deepEqual(await parseConfigAside(Buffer.from('source: 10.2.0.2'), { path: 'own.yaml', parts }), found);
    const aside = await parseConfigAside(Buffer.from(`source: 10.2.0.2${'\n'.repeat(9000)}`), {
      path: 'own.yaml',
      parts,
    });
    assert.deepEqual('spec' in aside && aside.spec.services, spec.services);
  });

  it('stands beside what the file says itself, which counts more', () => {
    const own = `source: 10.2.0.2
timeouts: { tcp: 10 }
marks: [{ mark: 1, port: 80 }]
services: [{ listen: "tcp 192.0.2.9:80", servers: [10.3.0.9] }]`;
    const settings = {
      name: DIRECTOR,
      text: 'timeouts: { tcp: 60 }\nmarks: [{ mark: 2, port: 81 }]\nsysctls: { sloppy_tcp: 1 }',
    };
    const found = parse({ settings, ...web('listen: tcp 192.0.2.1:80') }, own);
    assert.ok('spec' in found, JSON.stringify(found));
    const { timeouts, marks, sysctls, services } = found.spec;
    assert.deepEqual([timeouts, sysctls], [{ tcp: 10 }, { sloppy_tcp: 1 }]);
    assert.deepEqual(
      marks?.map(({ mark }) => mark),
      [1, 2],
    );
    assert.deepEqual(
      services?.map(({ address }) => address),
      ['192.0.2.9', '192.0.2.1'],
    );
  });

  const wrong: [string, ConfigParts, RegExp][] = [
    [
      'a bad value',
      web('listen: tcp 192.0.2.1:80\nscheduler: best'),
      /^\/site\/services\/web:2:12: services\[0\]\.scheduler: /,
    ],
    [
      'a bad server',
      web('listen: tcp 192.0.2.1:80', '{ weight: -1 }'),
      /^\/site\/services\/web\/servers\/0:1:\d+: services\[0\]\.servers\[0\]/,
    ],
    ['text that is no YAML', web('listen: [', '10.3.0.1'), /^\/site\/services\/web:1:\d+: /],
    ['characters that no text has', web('\0'), /^\/site\/services\/web:1:1: the character U\+0000/],
    ['no service', web('- 1'), /^\/site\/services\/web:1:1: it holds no service: /],
    ['an empty value', web(''), /^\/site\/services\/web:1:1: it holds no service: /],
    ['an empty server', web('listen: tcp 192.0.2.1:80', ''), /servers\/0:1:1: it holds no real server: /],
    [
      'servers that are no list',
      web('listen: tcp 192.0.2.1:80\nservers: 1', '10.3.0.1'),
      /services\/web:2:10: services\[0\]\.servers: /,
    ],
    [
      'servers without a service',
      { services: [{ service: { name: WEB }, servers: [{ name: 'x', text: '10.3.0.1' }] }] },
      /there are servers of this service, and no service/,
    ],
    [
      'a setting of the director itself',
      { settings: { name: DIRECTOR, text: 'source: 10.2.0.9' }, services: [] },
      /^\/site\/director:1:1: "source" cannot stand here: write it in the file of --config/,
    ],
    [
      'settings that are none',
      { settings: { name: DIRECTOR, text: '7' }, services: [] },
      /^\/site\/director:1:1: it holds no fields/,
    ],
    [
      'a control server',
      { settings: { name: DIRECTOR, text: 'control: { http: { port: 1 } }' }, services: [] },
      /"control" cannot stand here/,
    ],
  ];
  for (const [what, parts, says] of wrong) {
    it(`names the key that holds ${what}`, () => {
      const [first = ''] = mistakes(parts);
      assert.match(first, says);
    });
  }

  const dangerous = [
    'policy: /tmp/policy.js',
    'health: { check: { exec: { command: [/bin/sh] } } }',
    'health: { check: /tmp/check.js }',
    'health: { checks: [{ check: ./check.js }] }',
    'health: { check: { file: { path: /etc/shadow } } }',
    'health: { check: tcp, notify: { down: [/bin/sh] } }',
    'scheduler: { env: HOME }',
    'health: { check: { http: { headers: { x: { env: TUNVS_READ_TOKEN } } } } }',
    '{ include: /etc/passwd }',
  ];
  for (const each of dangerous) {
    it(`lets nobody say by a key what the host runs or reads: ${each}`, () => {
      const listen = each.startsWith('{') ? each : `listen: tcp 192.0.2.1:80\n${each}`;
      assert.match(mistakes(web(listen)).join('\n'), /names what the director's host runs or reads/);
    });
  }

  it('refuses the same in the settings and in servers', () => {
    const settings = { name: DIRECTOR, text: 'health: { notify: { script: [/bin/sh] } }' };
    assert.match(mistakes({ settings, services: [] }).join(), /"notify" names/);
    assert.match(mistakes(web('listen: tcp 192.0.2.1:80', '{ address: { env: X } }')).join(), /"env" names/);
  });

  it('is refused or taken, and never thrown, whatever the keys hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.json(),
      fc.constantFrom('listen: tcp 192.0.2.1:80', '&a [*a]', 'servers: [*x]', '<<: 1'),
    );
    fc.assert(
      fc.property(text, text, text, (director, service, server) => {
        parse({ settings: { name: DIRECTOR, text: director }, ...web(service, server) });
      }),
    );
  });
});
