/** What a configuration says of health: read, refused with a mend, printed, and turned into the options of a monitor. */
import { strict as assert } from 'node:assert';
import { healthOf, serverHealthOf, type WantedHealth } from '../../lib/config/health-of.js';
import { healthOptionsOf, monitorOptionsOf, serverHealthOptionsOf } from '../../lib/config/health-options.js';
import { printConfig, shownValues, showValues } from '../../lib/config/print-spec.js';
import { rulesFromSpec } from '../../lib/config/rules-from-spec.js';
import { bareSchema } from '../../lib/config/schema/json-schema.js';
import { mistakeSentence } from '../../lib/config/mistake.js';
import type { ServiceSpec } from '../../lib/config/spec.js';
import { checkKinds } from '../../lib/health/checks/index.js';
import type { TimedCheck } from '../../lib/health/options.js';
import { mistakesOf, parsed } from '../support/configs.js';

const service = (health: string, more = '') =>
  `source: 10.2.0.2\nservices:\n  - listen: tcp 192.0.2.1:80\n    health: ${health}\n${more}`;

const noModule = (file: string) => {
  throw new Error(`nothing asks for ${file}`);
};

function optionsOf(text: string) {
  const { spec } = parsed(text);
  return healthOptionsOf(healthOf(spec, spec.services?.[0] as ServiceSpec) as WantedHealth, noModule);
}

describe('health in a configuration', () => {
  it('becomes the options of a monitor, with durations in milliseconds', () => {
    const { checks, ...options } = optionsOf(
      service(
        '{ check: { tcp: { port: 81 } }, interval: 3s, downInterval: 1m, timeout: 500ms, retryDelay: 0s, warmUp: 1s, ' +
          'rise: 3, via: both, start: down, quorum: 2, hysteresis: 1, inhibit: true, onDown: reschedule, omega: true, ' +
          'failOpen: { above: 0.5, window: 2s }, damping: { halfLife: 30s, penalty: 10 }, observe: true }',
      ),
    );
    assert.deepEqual(options, {
      ...{ intervalMs: 3000, downIntervalMs: 60_000, timeoutMs: 500, retryDelayMs: 0, warmUpMs: 1000, rise: 3 },
      ...{ via: 'both', start: 'down', quorum: 2, hysteresis: 1, inhibit: true, onDown: 'reschedule', omega: true },
      ...{ failOpen: { above: 0.5, windowMs: 2000 }, damping: { halfLifeMs: 30_000, penalty: 10 }, observe: true },
    });
    const [only] = checks as readonly TimedCheck[];
    assert.equal(only?.check.identity, 'tcp {"port":81}');
  });

  it('takes numbers for texts that look like them', () => {
    const { checks } = optionsOf(service('{ check: { http: { status: 204, version: 1.1, port: 8080 } } }'));
    const [only] = checks as readonly TimedCheck[];
    assert.match(only?.check.identity ?? '', /"version":"1\.1".*"status":"204"/);
    const wrong = mistakesOf(service('{ check: { http: { version: 3 } } }')).join();
    assert.match(wrong, /check\.http\.version: 3 cannot stand here: write one of 1\.0, 1\.1, 2$/);
  });

  it('is that of the file where a service says nothing else, and none where it says false', () => {
    const { spec } = parsed(
      'source: 10.2.0.2\nhealth: { check: tcp, interval: 5s, atOnce: 9 }\nservices:\n' +
        '  - listen: tcp 192.0.2.1:80\n' +
        '  - { listen: tcp 192.0.2.2:80, health: { interval: 1s } }\n' +
        '  - { listen: tcp 192.0.2.3:80, health: false }\n',
    );
    const found = spec.services?.map((each) => healthOf(spec, each));
    assert.deepEqual(found, [
      { checks: [{ check: 'tcp' }], interval: 5000 },
      { checks: [{ check: 'tcp' }], interval: 1000 },
      undefined,
    ]);
    assert.deepEqual(monitorOptionsOf(spec.health ?? {}, noModule), { atOnce: 9 });
  });

  it('has another port, other checks or none for a server', () => {
    const { spec } = parsed(
      service(
        '{ check: { tcp: { port: 81 } }, rise: 4 }',
        '    servers: [{ address: 10.3.0.11, health: { port: 8080 } }, { address: 10.3.0.12, health: false },\n' +
          '      { address: 10.3.0.13, health: { check: tcp, fall: 2 } }, 10.3.0.14]\n',
      ),
    );
    const [web] = spec.services as [ServiceSpec];
    const health = healthOf(spec, web) as WantedHealth;
    const found = web.servers?.map((server) => {
      const own = serverHealthOf(server);
      return own ? serverHealthOptionsOf(own, health, noModule) : own;
    });
    const identities = found?.map((each) =>
      each ? each.checks?.map((one) => 'check' in one && one.check.identity) : each,
    );
    assert.deepEqual(identities, [['tcp {"port":8080}'], false, ['tcp {}'], undefined]);
    const third = found?.[2];
    assert.ok(third);
    assert.equal(third.fall, 2);
  });

  it('has programs with their arguments, and a webhook', () => {
    const text =
      'source: 10.2.0.2\nhealth:\n  check: tcp\n  notify: { script: [/bin/echo, x], initial: true,\n' +
      '    webhook: { url: "https://news.example/x", timeout: 2s, ca: ca.pem } }\n' +
      'services:\n  - { listen: tcp 192.0.2.1:80, health: { notify: { up: [/bin/true],\n' +
      '      quorumDown: { command: [/bin/false, d], timeout: 5s, uid: 7 } } } }\n';
    const { spec } = parsed(text, { '/etc/tunvs/ca.pem': 'PEM' });
    assert.deepEqual(
      monitorOptionsOf(spec.health ?? {}, (file) => `text of ${file}`),
      {
        notify: {
          script: { command: ['/bin/echo', 'x'] },
          webhook: { url: 'https://news.example/x', timeoutMs: 2000, ca: 'text of /etc/tunvs/ca.pem' },
          initial: true,
        },
      },
    );
    const { notify } = healthOptionsOf(healthOf(spec, spec.services?.[0] as ServiceSpec) as WantedHealth, noModule);
    assert.deepEqual(notify, {
      server: { up: { command: ['/bin/true'] } },
      quorumDown: { command: ['/bin/false', 'd'], timeoutMs: 5000, uid: 7 },
    });
  });

  it('has a warning where all servers together weigh less than the quorum', () => {
    const warned = (health: string, servers: string) =>
      parsed(service(health, `    servers: [${servers}]\n`)).warnings.map(mistakeSentence);
    const servers = '{ address: 10.3.0.11, weight: 3 }, 10.3.0.12';
    const [only, ...others] = warned('{ check: tcp, quorum: 5 }', servers);
    assert.match(
      only ?? '',
      /:4:\d+: services\[0\]\.health\.quorum: the quorum 5 is more than the 4 that all servers weigh.*: write 4 at most$/,
    );
    assert.deepEqual(others, []);
    assert.deepEqual(warned('{ check: tcp, quorum: 4 }', servers), []);
    assert.deepEqual(warned('{ check: tcp, quorum: 5 }', `${servers}, { dns: web.example.com }`), []);
    assert.deepEqual(warned('{ check: tcp }', '{ address: 10.3.0.11, weight: 0 }'), [], 'it is drained');
    assert.deepEqual(warned('{ check: tcp, quorum: 9 }', ''), [], 'servers come later');
  });

  it('is refused with its place and a mend', () => {
    const of = (health: string, more = '') => mistakesOf(service(health, more)).join('\n');
    assert.match(
      of('{ chek: tcp }'),
      /^4:15: services\[0\]\.health\.chek: there is no field "chek" here: write check$/m,
    );
    assert.match(of('{ check: tcp, interval: 3 }'), /interval: 3 cannot stand here: write a duration such as 10s$/);
    assert.match(of('{ check: htpp }'), /health\.check: 'htpp' cannot stand here: write one of tcp/);
    assert.match(of('{ check: { tpc: {} } }'), /health\.check\.tpc: there is no field "tpc" here: write tcp$/);
    assert.match(of('{ check: {} }'), /health\.check: it names no kind of check: write one, as in tcp: \{\}$/);
    assert.match(
      of('{ check: { tcp: { port: 0 } } }'),
      /check\.tcp\.port: 0 cannot stand here: write an integer from 1/,
    );
    assert.match(of('{ check: ./no.js }'), /health\.check: there is no module \/etc\/tunvs\/no\.js: write the path/);
    assert.match(of('{ check: tcp, checks: [{ check: tcp }] }'), /health\.checks: it cannot stand beside check/);
    assert.match(
      of('{ rise: 2 }'),
      /^4:13: services\[0\]\.health: it does not say what is asked of the servers: write/,
    );
    assert.match(
      of('{ check: tcp, hysteresis: 1 }'),
      /health\.hysteresis: 1 cannot stand here: write an integer from 0 to 0/,
    );
    assert.match(
      of('{ check: tcp, damping: { maxSuppress: 1m } }'),
      /^4:\d+: services\[0\]\.health\.damping: no penalty is ever more than 2000, .*: set suppressAbove below 2000, or/,
    );
    assert.match(
      of('{ check: tcp, failOpen: { above: 1 } }'),
      /failOpen\.above: 1 cannot stand here: write a number above 0 and below 1$/,
    );
    assert.match(of('{ check: tcp, virtualAddress: x }'), /virtualAddress: 'x' cannot stand here: write an IP address/);
    assert.match(
      of('{ checks: [{ check: tcp, name: a }, { check: tls, name: a }] }'),
      /health: 'a' cannot stand here: write a name that no other check of the server has/,
    );
    assert.match(
      of('{ check: tcp, notify: { up: [/no/such] } }'),
      /health\.notify: '\/no\/such' cannot stand here: write a program: there is no such file/,
    );
    const server = '    servers: [{ address: 10.3.0.11, health: { port: 1 } }]\n';
    assert.match(of('false', server), /servers\[0\]\.health: the servers of this service are not checked: write/);
  });

  it('needs a virtual address for a service by mark, unless no check asks one', () => {
    const of = (health: string, more = '', marks = '') =>
      mistakesOf(
        `source: 10.2.0.2\n${marks}services:\n  - mark: 7\n    health: ${health}\n` +
          `    servers: [10.3.0.11, { address: 10.3.0.12${more} }]\n`,
      ).join();
    assert.match(
      of('{ check: tcp }'),
      /^4:\d+: services\[0\]\.health: the service of mark 7 has no virtual address that could be checked: write virtual/,
    );
    const isMissing = (...given: Parameters<typeof of>) => /no virtual address/.test(of(...given));
    const rule = (destination: string) => `marks: [{ mark: 7, ${destination} }]\n`;
    assert.ok(isMissing('{ checks: [{ check: ping }, { check: http, via: both }], via: address }'));
    assert.ok(isMissing('{ check: tcp, via: address }', ', health: { via: vip }'));
    assert.ok(isMissing('{ check: tcp }', ', health: { checks: [{ check: tcp, via: both }], via: address }'));
    assert.ok(isMissing('{ check: tcp }', '', rule('source: 198.51.100.0/24')));
    for (const right of [
      of('{ check: tcp, virtualAddress: 192.0.2.1 }'),
      of('{ check: tcp, via: address }'),
      of('{ check: { exec: { path: /bin/true } } }'),
      of('{ check: tcp }', '', rule('destination: 192.0.2.1')),
      of('false'),
    ])
      assert.equal(right, '');
  });

  it('has sorry servers, one or several', () => {
    const one = parsed(service('{ check: tcp }', '    sorryServer: 10.3.0.99\n')).spec.services?.[0]?.sorryServers;
    assert.deepEqual(one, [{ address: '10.3.0.99' }]);
    const wrong = mistakesOf(
      service('{ check: tcp }', '    servers: [10.3.0.11]\n    sorryServers: [10.3.0.11, { dns: a.example }]\n'),
    ).join('\n');
    assert.match(wrong, /sorryServers\[1\]\.dns: there is no field "dns" here/);
    const twice = service('{ check: tcp }', '    servers: [10.3.0.11]\n    sorryServers: [10.3.0.11]\n');
    assert.match(mistakesOf(twice).join(), /sorryServers\[0\]: the real server 10\.3\.0\.11:80 is configured already/);
    const both = service('{ check: tcp }', '    sorryServer: 10.3.0.98\n    sorryServers: [10.3.0.99]\n');
    assert.match(mistakesOf(both).join(), /sorryServer: it cannot stand beside sorryServers: write one of them/);
  });

  it('is printed as a file that says the same', () => {
    const { spec } = parsed(
      service(
        '{ checks: [{ check: { tcp: { port: 81 } }, interval: 1500ms }], damping: { halfLife: 1m }, notify: { up: [/bin/true] } }',
        '    servers: [{ address: 10.3.0.11, health: { timeout: 250ms } }, { dns: a.example, refresh: 10s, health: false }]\n' +
          '    sorryServer: 10.3.0.99\n',
      ),
    );
    const text = printConfig(spec);
    assert.match(text, /interval: 1500ms/);
    assert.match(text, /halfLife: 60s/);
    assert.deepEqual(parsed(text).spec, spec);
    assert.match(showValues(shownValues(spec)), /^services\[0\]\.health\.checks\[0\]\.interval: "1500ms"$/m);
  });

  it('does not show the header fields of a webhook', () => {
    const { spec } = parsed(
      'source: 10.2.0.2\nhealth: { notify: { webhook: { url: "http://a.example", headers: { authorization: geheim } } } }\n',
    );
    assert.doesNotMatch(showValues(shownValues(spec)), /geheim/);
  });

  it('is lost, and named, where the configuration becomes rules', () => {
    const { spec } = parsed(
      `${service('{ check: tcp }', '    servers: [{ address: 10.3.0.11, health: false }]\n    sorryServer: 10.3.0.99\n')}health: { rise: 1 }\n`,
    );
    const lost = rulesFromSpec(spec).lost.map(({ path }) => path);
    const wanted = ['services[0].health', 'services[0].sorryServers', 'services[0].servers[0].health'];
    assert.deepEqual(lost, ['source', 'health', ...wanted]);
  });

  it('takes every option of every kind by the names of the schema', () => {
    const { check } = bareSchema().$defs ?? {};
    const kinds = check?.anyOf?.[1]?.properties ?? {};
    assert.deepEqual(
      Object.entries(kinds).map(([name, { properties = {} }]) => [name, Object.keys(properties)]),
      checkKinds.map(({ name, options }) => [
        name,
        Object.entries(options).map(([option, { type }]) => (`${type}` === 'duration' ? option.slice(0, -2) : option)),
      ]),
    );
  });
});
