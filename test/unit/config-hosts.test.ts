/** Names of /etc/hosts come before DNS. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostsFile } from '../../lib/config/apply/hosts.js';
import { type DnsResolver, withHosts } from '../../lib/config/apply/resolver.js';

describe('servers by a name of /etc/hosts', () => {
  let folder: string;
  let file: string;
  let resolver: DnsResolver;
  const asked: string[] = [];
  const dns: DnsResolver = {
    a: async (name) => {
      asked.push(`A ${name}`);
      return [{ address: '10.9.9.9', ttl: 60 }];
    },
    aaaa: async (name) => {
      asked.push(`AAAA ${name}`);
      return [];
    },
    srv: async (name) => {
      asked.push(`SRV ${name}`);
      return [];
    },
    cancel: () => asked.push('cancel'),
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-hosts-'));
    file = join(folder, 'hosts');
    writeFileSync(
      file,
      '# a list\n10.3.0.11 web.internal web # the first\n10.3.0.12\tWEB.internal\n::1 localhost\nx y\n',
    );
    asked.length = 0;
    resolver = withHosts(dns, new HostsFile(file));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are taken from there, in any case and with a dot at the end, and DNS is not asked', async () => {
    for (const name of ['web.internal', 'WEB.Internal.'])
      assert.deepEqual(
        (await resolver.a(name)).map(({ address }) => address),
        ['10.3.0.11', '10.3.0.12'],
      );
    await assert.rejects(resolver.aaaa('web'), { code: 'ENODATA' });
    assert.deepEqual((await resolver.aaaa('localhost')).length, 1);
    assert.deepEqual(asked, []);
  });

  it('are asked of DNS when they are not there, and services always', async () => {
    assert.equal((await resolver.a('other.internal'))[0]?.address, '10.9.9.9');
    await resolver.aaaa('y');
    await resolver.srv('web.internal');
    resolver.cancel();
    assert.deepEqual(asked, ['A other.internal', 'AAAA y', 'SRV web.internal', 'cancel']);
  });

  it('follow the file when it changes, goes away and comes back', async () => {
    const first = async () => (await resolver.a('web'))[0]?.address;
    assert.equal(await first(), '10.3.0.11');
    writeFileSync(file, '10.3.0.77 web\n');
    assert.equal(await first(), '10.3.0.77');
    rmSync(file);
    assert.equal(await first(), '10.9.9.9');
    writeFileSync(file, '10.3.0.78 web\n');
    assert.equal(await first(), '10.3.0.78');
  });
});
