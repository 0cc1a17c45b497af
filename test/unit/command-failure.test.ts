/** What is said of a command that could not be run. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { HostFacts } from '../../lib/health/way/host-facts.js';
import { failure, unreadable } from '../../lib/host/command-failure.js';

const cannot = (code: string) => Object.assign(new Error(`spawnSync ip ${code}`), { code });
const IP = { argv: ['ip', 'route', 'show'] };

const HOST = new URL('../../lib/host/host.js', import.meta.url).href;

/** Takes every descriptor that its limit allows, and then asks the host. */
const ASK_WITHOUT_DESCRIPTORS = `
import { openSync } from 'node:fs';
import { thisHost } from ${JSON.stringify(HOST)};
const said = (ask) => { try { return String(ask()); } catch (error) { return error.code + ': ' + error.message; } };
const absent = said(() => thisHost.readSysctl('net/none'));
const taken = [];
try { for (;;) taken.push(openSync('/dev/null')); } catch {}
const answers = [
  said(() => thisHost.readSysctl('net/ipv4/ip_forward')),
  said(() => thisHost.readSysctl('net/none')),
  said(() => thisHost.addresses()),
];
import('node:fs').then(({ closeSync }) => {
  for (const each of taken) closeSync(each);
  process.stdout.write(JSON.stringify([absent, ...answers]));
});
`;

describe('a question that this process had no descriptor for', () => {
  it('is an error and no answer, whether the kernel has the file or not', function () {
    this.timeout(30_000);
    const node = [process.execPath, '--input-type=module', '-e', ASK_WITHOUT_DESCRIPTORS];
    const said = execFileSync('sh', ['-c', 'ulimit -n 256; exec "$@"', 'sh', ...node], { encoding: 'utf8' });
    const [absent, ...answers] = JSON.parse(said) as string[];
    assert.equal(absent, 'undefined');
    for (const answer of answers)
      assert.match(answer, /^ERR_TUNVS_HOST: .* cannot be read, because this process has no free .*: raise the limit/);
  });

  it('leaves a failed check with what else is known of it', () => {
    const lack = () => {
      throw unreadable('/proc/sys/net/ipv4/conf/all/rp_filter', cannot('EMFILE'));
    };
    let drops = 7;
    const facts = new HostFacts({
      host: {
        addresses: () => [{ interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 }],
        readSysctl: lack,
        query: lack,
      },
      devices: () => ['tunvs0'],
      readNetstat: () => `TcpExt: IPReversePathFilter\nTcpExt: ${drops}\n`,
      nowMs: () => 0,
    });
    drops += 1;
    assert.deepEqual(facts.strictAt(['10.2.0.2']), []);
    const fault = facts.repliesDropped('10.2.0.2');
    assert.equal(fault?.isCertain, false);
    assert.match(fault?.message ?? '', /no free file descriptor/);
  });
});

describe('a command of the host that could not be run', () => {
  it('says that no descriptor is free, and which limit to raise', () => {
    const { message, code } = failure(IP, 'spawnSync ip EMFILE', cannot('EMFILE'));
    assert.equal(code, 'ERR_TUNVS_HOST');
    assert.equal(
      message,
      '"ip route show" cannot be done, because this process has no free file descriptor: ' +
        'raise the limit of open files (LimitNOFILE= in the unit, "ulimit -n" in a shell)',
    );
    assert.match(
      failure(IP, '', cannot('ENFILE')).message,
      /this machine has no free .*: raise the sysctl fs\.file-max$/,
    );
  });

  it('is the fault of the host that a failed check is explained by', () => {
    const facts = new HostFacts({
      host: {
        addresses: () => [],
        readSysctl: () => undefined,
        query: (argv) => {
          throw failure({ argv }, '', cannot('EMFILE'));
        },
      },
      devices: () => ['tunvs0'],
      readNetstat: () => undefined,
      nowMs: () => 0,
    });
    assert.match(facts.misrouted('192.0.2.1', '10.2.0.2')?.message ?? '', /no free file descriptor/);
  });
});
