/** A real server that is the director's own host, from the rule to the packet. */
import { strict as assert } from 'node:assert';
import { run } from '../../lib/cli/verbs/run.js';
import { Director } from '../../lib/director/director.js';
import { applyRules } from '../../lib/rules/apply.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { native } from '../../lib/native/addon.js';
import { show, type ShowSource } from '../../lib/rules/show.js';
import type { RealServerOptions } from '../../lib/values/server-options.js';
import { cli } from '../support/cli.js';
import { fakeConfiguration } from '../support/fake-configuration.js';
import { tcp, udp } from '../support/packets.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const OWN = '10.2.0.2';
const REMOTE = '10.0.0.11';

const SOURCES = [OWN, '2001:db8:2::2'];
const offline = (localAddresses: string[] = []) =>
  Director.offline({ source: SOURCES, localAddresses, maxConnections: 1024 });

async function shown(director: Director, command: string): Promise<string> {
  const source: ShowSource = {
    services: () => director.stats().services,
    timeouts: director.timeouts,
    marks: director.marks,
    sync: director.sync,
    connections: () => director.connections(),
  };
  let text = '';
  const parsed = parseCommandLine(command);
  assert.ok(parsed?.command === 'list' || parsed?.command === 'save');
  for await (const piece of show(source, parsed)) text += piece;
  return text;
}

describe('a real server at an address of the director', () => {
  const local: [what: string, options: RealServerOptions][] = [
    ['a source', { address: OWN }],
    ['a source of the other family', { address: '2001:DB8:2::2' }],
    ['a loopback address', { address: '127.0.0.1' }],
    ['the virtual address', { address: WEB.address }],
    ['an address of its host', { address: '10.7.7.7' }],
    ['a source, though a tunnel is asked for', { address: OWN, forwarding: 'gue', tunnelPort: 6080 }],
    ['a source, though direct routing is asked for', { address: OWN, forwarding: 'dr' }],
    ['any other, when it is said to be local', { address: REMOTE, forwarding: 'local' }],
  ];
  for (const [what, options] of local) {
    it(`is local: ${what}`, async () => {
      await using director = offline(['10.7.7.7']);
      const server = director.addVirtualService(WEB).addRealServer(options);
      assert.equal(server.isLocal, true);
      assert.deepEqual([server.forwarding, server.tunnelPort, server.tunnelChecksum], ['local', 0, 'none']);
      const packet = tcp({ from: '172.16.0.1:1024', to: '192.0.2.1:80', flags: 'S' });
      const { outputs, verdicts } = director.process(packet, 0);
      assert.deepEqual(verdicts, ['forwarded']);
      assert.deepEqual([...(outputs[0]?.data ?? [])], [...packet]);
    });
  }

  it("is remote where the address is nobody else's", async () => {
    await using director = offline(['10.7.7.7']);
    const server = director.addVirtualService(WEB).addRealServer({ address: '10.7.7.8' });
    assert.deepEqual([server.isLocal, server.forwarding], [false, 'ipip']);
  });

  it('is none of a range of sources, which is routed to the device', async () => {
    await using director = Director.offline({ source: '10.2.1.0/28', maxConnections: 1024 });
    assert.equal(director.addVirtualService(WEB).addRealServer({ address: '10.2.1.1' }).isLocal, false);
  });

  it('stays local whatever it is edited to, and another may become local and go away again', async () => {
    await using director = offline();
    const web = director.addVirtualService(WEB);
    const own = web.addRealServer({ address: OWN });
    own.edit({ forwarding: 'ipip', weight: 3 });
    assert.deepEqual([own.forwarding, own.weight], ['local', 3]);
    const remote = web.addRealServer({ address: REMOTE });
    remote.edit({ forwarding: 'local' });
    assert.equal(remote.isLocal, true);
    remote.edit({ forwarding: 'gre', tunnelChecksum: 'checksum' });
    assert.deepEqual([remote.forwarding, remote.tunnelChecksum], ['gre', 'checksum']);
  });

  it('is checked as any other in what is said about it', async () => {
    await using director = offline();
    const web = director.addVirtualService(WEB);
    assert.throws(() => web.addRealServer({ address: OWN, forwarding: 'gue' }), /tunnelPort/);
    assert.throws(() => web.addRealServer({ address: OWN, port: 8080 }), /'local' leaves ports as they are/);
    assert.throws(() => web.addRealServer({ address: REMOTE, forwarding: 'local', tunnelPort: 1 }), /has no port/);
  });

  it('gets packets that are too long for every path, in one pool with a tunnel', async () => {
    await using director = Director.offline({ source: OWN, pathMtu: 576, maxConnections: 1024 });
    const dns = director.addVirtualService({ protocol: 'udp', address: '192.0.2.1', port: 53, scheduler: 'rr' });
    for (const address of [REMOTE, OWN]) dns.addRealServer({ address });
    const packets = [1024, 1025].map((port) =>
      udp({ from: `172.16.0.1:${port}`, to: '192.0.2.1:53', payload: 'x'.repeat(1200) }),
    );
    const { verdicts, outputs } = director.process(packets, 0);
    assert.deepEqual(verdicts, ['forwarded', 'answeredTooBig']);
    assert.deepEqual([...(outputs[0]?.data ?? [])], [...(packets[0] ?? [])]);
  });
});

describe('rules about a local node', () => {
  const RULES = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r ${OWN}:80 -i -w 2 --tun-type gue --tun-port 6080
-a -t 192.0.2.1:80 -r ${REMOTE}:80 -i -w 1
`;

  async function ruled(rules: string): Promise<Director> {
    const director = offline();
    applyRules(director, parseRules(rules, { file: 'rules', support: native, isTimed: false }));
    return director;
  }

  it('list it as "Local"', async () => {
    await using director = await ruled(RULES);
    assert.equal(
      await shown(director, '-L -n'),
      `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.1:80 rr
  -> 10.0.0.11:80                 Tunnel  1      0          0${'         '}
  -> 10.2.0.2:80                  Local   2      0          0${'         '}
`,
    );
    assert.match(await shown(director, '-L -n --tun-info'), /10\.2\.0\.2:80 +Local +n\/a +2 /);
  });

  it('come back from what is saved', async () => {
    await using director = await ruled(RULES);
    const saved = await shown(director, '-S -n');
    assert.match(saved, /^-a -t 192\.0\.2\.1:80 -r 10\.2\.0\.2:80 -g -w 2$/m);
    await using again = await ruled(saved);
    assert.equal(await shown(again, '-L -n'), await shown(director, '-L -n'));
  });

  it('are shown in a dry run with what they do to the host', async () => {
    const { stdout, exitCode } = await cli(
      ['run', '--rules', '-', '--source', OWN, '--dry-run', '--device', 'lvs7'],
      [run],
      RULES,
    );
    assert.equal(exitCode, 0);
    assert.match(stdout, /^ip rule add pref 0 iif lvs7 to 192\.0\.2\.1\/32 lookup local protocol 84 {2}#/m);
    assert.match(stdout, /^ip route replace local 192\.0\.2\.1\/32 dev lvs7 table local proto 84 {2}#/m);
    const without = await cli(['run', '--rules', '-', '--source', '10.2.0.3', '--dry-run'], [run], RULES);
    assert.doesNotMatch(without.stdout, /rule add|early_demux/);
  });
});

describe('a configuration with local nodes', () => {
  const fake = () => {
    const made = fakeConfiguration();
    made.ownAddresses.add(OWN);
    return made;
  };

  it('has the host set up for a virtual address while it has one', () => {
    const { configuration, localNodes } = fake();
    const web = configuration.addVirtualService(WEB);
    const tls = configuration.addVirtualService({ ...WEB, port: 443 });
    web.addRealServer({ address: REMOTE });
    assert.deepEqual([...localNodes], []);
    const first = web.addRealServer({ address: OWN });
    const second = tls.addRealServer({ address: OWN });
    assert.deepEqual([...localNodes], [WEB.address]);
    first.delete();
    assert.deepEqual([...localNodes], [WEB.address]);
    second.delete();
    assert.deepEqual([...localNodes], []);
  });

  it('has it set up by an edit as well, and no longer when the service goes', () => {
    const { configuration, localNodes, routes } = fake();
    const web = configuration.addVirtualService(WEB);
    web.addRealServer({ address: REMOTE }).edit({ forwarding: 'local' });
    assert.deepEqual([...localNodes], [WEB.address]);
    web.delete();
    assert.deepEqual([[...localNodes], [...routes]], [[], []]);
  });

  it('leaves the host as it was when the native part refuses', () => {
    const made = fake();
    made.refuseApply = new Error('no');
    assert.throws(() =>
      made.configuration.transaction((t) => t.addVirtualService(WEB).addRealServer({ address: OWN })),
    );
    assert.deepEqual([[...made.localNodes], [...made.routes]], [[], []]);
    made.refuseApply = undefined;
    const server = made.configuration.addVirtualService(WEB).addRealServer({ address: OWN });
    made.refuseApply = new Error('no');
    assert.throws(() => server.delete());
    assert.deepEqual([...made.localNodes], [WEB.address]);
  });
});
