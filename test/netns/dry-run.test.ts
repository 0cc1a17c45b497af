/** What opening refuses, `--dry-run` refuses as well, in the same words. */
import { strict as assert } from 'node:assert';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;
const OWN = '10.5.0.1';
const WEB = '-A -t 10.9.9.9:80\n-a -t 10.9.9.9:80 -r 10.5.0.7 -i\n';

/** What stands against opening; the mistake, and the rules and options that make it. */
const REFUSED: [message: RegExp, rules: string, ...options: string[]][] = [
  [/'tap9' exists and is not a TUN device/, WEB, '--device', 'tap9'],
  [/'eth9' exists and is not a TUN device/, WEB, '--mark-device', '8=eth9'],
  [/'tun9' has a single queue and 2 were asked for/, WEB, '--device', 'tun9', '--queues', '2'],
  [/--device: expected an interface name of 1 to 15 bytes/, WEB, '--device', 'a-name-of-22-characters'],
  [/--mark-device: expected another name for each device/, WEB, '--mark-device', '8=tunvs0'],
  [/--device: expected an interface name .* without "%" but for one "%d"/, WEB, '--device', 'a%d%d'],
  [/device 'b0' is open in this process already/, WEB, '--device', 'b%d', '--mark-device', '8=b0'],
  [/this host has a rule of its own for mark 7/, WEB, '--mark-device', '7'],
  [/10\.5\.0\.3 is an address of this host/, '-A -t 10.5.0.3:80\n'],
  [/write an address other than the source/, `-A -t ${OWN}:80\n`],
  [/this host routes 10\.5\.1\.9 elsewhere/, '-A -t 10.5.1.9:80\n'],
  [/this host routes 10\.5\.2\.0\/28 elsewhere/, WEB, '--source', '10.5.2.0/28'],
  [/write an address outside of the source 10\.5\.3\.0\/28/, '-A -t 10.5.3.1:80\n', '--source', '10.5.3.0/28'],
  [/write a range without the source 10\.6\.3\.0\/28/, '-A -t 10.6.0.0/16:80\n', '--source', '10.6.3.0/28'],
  [/dst: write an address outside of the source 10\.6\.3\.0\/28/, 'mark 1 dst 10.6.3.4\n', '--source', '10.6.3.0/28'],
  [/family of a source: add --source with an IPv6 address/, `${WEB}-a -t 10.9.9.9:80 -r [2001:db8::1] -i\n`],
  [/10\.5\.0\.3 is an address of this host/, WEB, '--nat-source', '10.5.0.3'],
  [/--nat-source: expected other addresses than 10\.5\.0\.1/, WEB, '--nat-source', OWN],
  [/full NAT has no IPv4 address to give/, '-A -t 10.9.9.9:80\n-a -t 10.9.9.9:80 -r 10.5.0.7 -m --full-nat\n'],
  [/--nat-source: expected at most 256 addresses of each family/, WEB, '--nat-source', '10.6.0.0/23'],
  [/10\.5\.0\.7 can't be a real server, because full NAT gives this address/, WEB, '--nat-source', '10.5.0.7'],
  [/conn_reuse_mode takes 0 to 3, not 9/, 'sysctl net.ipv4.vs.conn_reuse_mode=9\n'],
  [/--path-mtu-floor: expected at most the path MTU, 1500/, WEB, '--path-mtu-floor', '1501'],
];

describeLab('what opening a director refuses', () => {
  let host: LabHost;

  beforeOnLoneHost((made) => {
    host = made;
  });

  before(async () => {
    host.ip([
      'link add name eth9 type veth peer name eth8',
      `address add ${OWN}/24 dev eth9`,
      'address add 10.5.0.3/24 dev eth9',
      'link set dev eth9 up',
    ]);
    host.ip(['link set dev eth8 up', 'route add 10.5.1.9/32 dev eth9', 'route add 10.5.2.0/28 dev eth9']);
    host.ip(['tuntap add dev tap9 mode tap', 'tuntap add dev tun9 mode tun', 'rule add fwmark 7 lookup 77']);
  });

  for (const [message, rules, ...options] of REFUSED) {
    it(`is refused by --dry-run too, in the same words: ${message.source}`, async () => {
      const source = options.includes('--source') ? [] : ['--source', OWN];
      const argv = [process.execPath, MAIN, 'run', '--rules', '-', ...source, ...options];
      const [opened, tried] = [
        await host.tryExec(argv, { input: rules, timeoutMs: 10_000 }),
        await host.tryExec([...argv, '--dry-run'], { input: rules }),
      ];
      assert.match(tried.stderr, message);
      assert.deepEqual([tried.code, tried.stdout, tried.stderr], [opened.code, '', opened.stderr]);
    });
  }

  it('is nothing where a director would run', async () => {
    const argv = [process.execPath, MAIN, 'run', '--rules', '-', '--source', OWN, '--device', 'tun9', '--queues', '1'];
    const { code, stderr } = await host.tryExec([...argv, '--dry-run'], { input: WEB });
    assert.deepEqual([code, stderr], [0, '']);
  });
});
