/**
 * What the programs in the kernel need of a process: CAP_BPF, and CAP_PERFMON on older kernels, beside what a director
 * and a real server need anyway.
 */
import { strict as assert } from 'node:assert';
import { release } from 'node:os';
import { fastPathProblem } from '../support/fast-path.js';
import { describeLab, Lab, type LabHost } from '../support/lab.js';

const INDEX = new URL('../../lib/index.js', import.meta.url).href;

/** Prints what became of both, and closes them. */
const PROGRAM = `
const { Director, RealServerHost } = await import('${INDEX}');
const attempt = async (open, say) => {
  try {
    const opened = await open();
    console.log(JSON.stringify(say(opened)));
    await opened.close();
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, option: error.option, message: error.message }));
  }
};
const source = '10.2.0.2';
for (const fastPath of ['auto', 'egress', 'ingress:eth0', 'ingress:eth9', 'ingress:lo'])
  await attempt(() => Director.open({ source, fastPath, setUpHost: false }), (director) => ({
    isInForce: director.device.fastPath.isInForce,
    warnings: director.warnings.filter((each) => each.includes('fast path')),
  }));
await attempt(
  () => RealServerHost.open({ virtualAddresses: '10.9.9.9', directors: '10.2.0.3', mode: 'bpf' }),
  ({ mode }) => ({ mode }),
);
`;

/** Before Linux 6.17 the kernel's verifier asks more of programs of processes without it. */
function asksForPerfmon(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major < 6 || (major === 6 && minor < 17);
}

type Outcome = {
  code?: string;
  option?: string;
  message?: string;
  isInForce?: boolean;
  warnings?: string[];
  mode?: string;
};

describeLab('programs in the kernel', () => {
  let lab: Lab;
  let host: LabHost;

  before(async function () {
    if (fastPathProblem() !== undefined || process.getuid?.() !== 0) this.skip();
    lab = Lab.create();
    host = await lab.addHost('host');
    host.ip(['link add eth0 type veth peer name peer0', 'address add 10.2.0.2/24 dev eth0', 'link set eth0 up']);
  });

  after(async () => {
    await lab?.dispose();
  });

  async function outcomes(...capabilities: string[]): Promise<Outcome[]> {
    const list = capabilities.map((each) => `+${each}`).join(',');
    const limits = ['--inh-caps', list, '--ambient-caps', list, '--bounding-set', `-all,${list}`];
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--no-new-privs'];
    const node = [process.execPath, '--input-type=module', '-e', PROGRAM];
    const { stdout } = await host.exec(['setpriv', ...user, ...limits, ...node], { timeoutMs: 90_000 });
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
  }

  it('run with CAP_BPF and the two that tunvs needs anyway, and refuse devices that they cannot read', async () => {
    const needed = ['bpf', ...(asksForPerfmon() ? ['perfmon'] : []), 'net_admin', 'net_raw'];
    const [auto, egress, ingress, absent, loopback, realServer] = await outcomes(...needed);
    for (const each of [auto, egress, ingress]) assert.deepEqual(each, { isInForce: true, warnings: [] });
    assert.equal(absent?.code, 'ERR_TUNVS_NO_DEVICE');
    assert.match(absent?.message ?? '', /the fast path finds no device eth9: name one that is there/);
    assert.equal(loopback?.code, 'ERR_TUNVS_UNSUPPORTED');
    assert.deepEqual(realServer, { mode: 'bpf' });
  });

  it('are refused without it by a sentence that says how, and "auto" goes on without', async () => {
    const [auto, egress, ingress, , , realServer] = await outcomes('net_admin', 'net_raw');
    assert.equal(auto?.isInForce, false);
    assert.match(auto?.warnings?.[0] ?? '', /^the fast path is off: .*this process lacks CAP_BPF or CAP_NET_ADMIN/);
    for (const each of [egress, ingress, realServer]) {
      assert.equal(each?.code, 'ERR_TUNVS_PERMISSION');
      assert.match(each?.message ?? '', /run it as the host's root, without --user and outside of user namespaces/);
    }
  });
});
