import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { parseHosts, parseServices } from '../../lib/rules/adm/name-files.js';
import { namesForListing, systemNames } from '../../lib/rules/adm/names.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm, noNames } from '../support/adm.js';

const SERVICES = `# ports
http 80/tcp www www-http # the web
http-alt\t8080/tcp
domain 53/udp
domain 53/tcp
other 80/tcp
wrong 99999/tcp
junk
`;

const HOSTS = `127.0.0.1\tlocalhost loop # this host
127.0.0.1 other
2001:DB8::0:1 six.example
# 10.9.9.9 nobody
10.9.9.8
`;

const never = () => new Promise<never>(() => {});
const names = (reverse: (address: string) => Promise<string[]>, timeoutMs = 50) =>
  systemNames({ timeoutMs, read: async (path) => (path === '/etc/hosts' ? HOSTS : SERVICES), reverse });

describe('names of services', () => {
  it('are those of /etc/services, the first of a port', () => {
    const { names, ports } = parseServices(SERVICES);
    assert.deepEqual([names.get('80/tcp'), names.get('53/udp'), names.get('53/sctp')], ['http', 'domain', undefined]);
    assert.deepEqual([ports.get('www/tcp'), ports.get('http/tcp'), ports.get('other/tcp')], [80, 80, 80]);
    assert.deepEqual(
      [ports.get('http/udp'), ports.get('wrong/tcp'), ports.get('the/tcp')],
      [undefined, undefined, undefined],
    );
  });

  it('are numbers where there is no such file', async () => {
    const resolver = systemNames({ read: async () => Promise.reject(new Error('ENOENT')) });
    assert.deepEqual([await resolver.service(80, 'tcp'), await resolver.port('http', 'tcp')], [undefined, undefined]);
  });
});

describe('names of hosts', () => {
  it('are those of /etc/hosts, the first of an address, before anybody is asked', async () => {
    assert.deepEqual(
      [...parseHosts(HOSTS)],
      [
        ['127.0.0.1', 'localhost'],
        ['2001:db8::1', 'six.example'],
      ],
    );
    const resolver = names(async () => ['asked']);
    assert.equal(await resolver.host('127.0.0.1'), 'localhost');
    assert.equal(await resolver.host('10.9.9.9'), 'asked');
  });

  it('are passed over when they are none: the owner of an address gives it any name', async () => {
    const forged = '\x1b]0;x\x07\nTCP 10.9.9.9:80 rr';
    assert.equal(await names(async () => [forged]).host('10.9.9.9'), undefined);
    assert.equal(await names(async () => [forged, 'web-1.example']).host('10.9.9.9'), 'web-1.example');
  });

  it('are asked for once, and remembered', async () => {
    const asked: string[] = [];
    const resolver = names(async (address) => {
      asked.push(address);
      return [`host-${address}`];
    });
    const answers = [resolver.host('10.0.0.1'), resolver.host('10.0.0.1')];
    assert.deepEqual(await Promise.all(answers), ['host-10.0.0.1', 'host-10.0.0.1']);
    assert.equal(await resolver.host('10.0.0.1'), 'host-10.0.0.1');
    assert.deepEqual(asked, ['10.0.0.1']);
  });

  it('are none where the question fails or takes too long', async () => {
    assert.equal(await names(async () => Promise.reject(new Error('ENOTFOUND'))).host('10.0.0.1'), undefined);
    assert.equal(await names(never).host('10.0.0.1'), undefined);
    assert.equal(await names(async () => []).host('10.0.0.1'), undefined);
  });

  it('are asked for in parallel, but not all at once, and not when nobody waits any more', async () => {
    let running = 0;
    let most = 0;
    let asked = 0;
    const resolver = names(() => {
      most = Math.max(most, ++running);
      asked++;
      setTimeout(() => running--, 45);
      return never();
    });
    const addresses = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    await Promise.all(addresses.map((address) => resolver.host(address)));
    assert.ok(most > 1 && most <= 64, String(most));
    assert.ok(asked < 500, String(asked));
  });

  it('of a listing take its budget together, and are numbers then', async () => {
    const find = namesForListing({ ...noNames, host: never, service: async () => 'http' }, 50);
    const endpoint = { address: '10.0.0.1', port: 80, protocol: 'tcp' } as const;
    const write = await find([endpoint]);
    assert.equal(write(endpoint, 'tcp'), '10.0.0.1:http');
    const other = { ...endpoint, address: '10.0.0.2' };
    assert.equal((await find([other]))(other, 'tcp'), '10.0.0.2:http');
  });

  it('do not hold a listing of many servers when DNS does not answer', async () => {
    await using director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    const session = new RulesSession(director);
    const rules = Array.from({ length: 500 }, (_, i) => `-a -f 1 -r 10.4.${i >> 8}.${i & 255} -i`);
    await callAdm(session, '-R', { stdin: ['-A -f 1', ...rules].join('\n') });
    const [slow, numeric] = [await callAdm(session, '-L', { resolve: names(never) }), await callAdm(session, '-Ln')];
    assert.equal(slow.out, numeric.out);
  });
});
