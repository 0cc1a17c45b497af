/** What `ip` and /proc/sys really do when the host is set up, and how that fails. */
import { strict as assert } from 'node:assert';
import { describeLab, hostState, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const MODULE = new URL('../../lib/host/director-host.js', import.meta.url).href;

/** Runs `body` with a DirectorHost named `host`; prints the code and message of the error that it throws. */
function script(body: string): string {
  return `
    // What is left is to be found.
    process.env.TUNVS_GUARDIAN = 'off';
    const { DirectorHost } = await import(${JSON.stringify(MODULE)});
    const host = new DirectorHost({ sources: ['10.2.0.2'] });
    try { ${body} } catch (error) { console.log(error.code + ': ' + error.message); }
  `;
}

describeLab("setting up a director's host", () => {
  let host: LabHost;

  beforeOnLoneHost(
    (made) => {
      host = made;
    },
    {
      device: 'eth0',
      commands: ['tuntap add dev tunvs0 mode tun'],
    },
  );

  const run = async (body: string, wrapper: string[] = []) =>
    (await host.exec([...wrapper, process.execPath, '--input-type=module', '-e', script(body)])).stdout.trim();

  it('can be done again over what a killed process has left, and undone', async () => {
    const opened = `host.open('tunvs0'); host.addVip('10.9.9.9'); host.addVip('10.2.0.100');`;
    assert.equal(await run(opened), '');
    const left = await hostState(host);
    assert.match(left, /^10\.9\.9\.9 dev tunvs0 proto 84 /m);
    assert.match(left, /^10\.2\.0\.100 dev eth0 proxy proto 84/m);
    assert.equal(await run(opened), '');
    assert.equal(await hostState(host), left);
    assert.equal(await run(`${opened} host.removeVip('10.2.0.100'); host.close();`), '');
    const restored = await hostState(host);
    assert.doesNotMatch(restored, /proto 84/);
  });

  it("refuses a virtual address that is the host's own", async () => {
    assert.match(
      await run(`host.open('tunvs0'); host.addVip('10.2.0.2');`),
      /^ERR_TUNVS_HOST: .*remove it with "ip address del 10\.2\.0\.2\/24 dev eth0", or choose/m,
    );
  });

  it('says how to get ip(8) when it is missing', async () => {
    assert.match(
      await run(`process.env.PATH = '/nowhere'; host.open('tunvs0');`),
      /^ERR_TUNVS_HOST: ip\(8\).* is missing.*apt install iproute2/,
    );
  });

  it('names the missing privilege', async () => {
    const body = `host.open('tunvs0');`;
    const unprivileged = ['unshare', '--user', '--map-root-user'];
    // Root of a user namespace of its own may not change this network namespace.
    assert.match(
      await run(body, unprivileged),
      /^ERR_TUNVS_PERMISSION: "ip link set dev tunvs0 .* failed: .*CAP_NET_ADMIN/,
    );
  });

  it('names the command that failed and what it said', async () => {
    assert.match(
      await run(`host.open('nosuch0');`),
      /^ERR_TUNVS_HOST: "ip link set dev nosuch0 .*" failed: Cannot find device "nosuch0"/,
    );
  });

  it('goes on after a failure when many commands run at once, and says which failed', async () => {
    const { stdout } = await host.exec([
      process.execPath,
      '--input-type=module',
      '-e',
      `
        const { thisHost } = await import(${JSON.stringify(new URL('../../lib/host/host.js', import.meta.url).href)});
        const ip = (words) => ({ argv: ('ip ' + words).split(' ') });
        const results = thisHost.runAll([
          ip('route replace 10.8.8.1/32 dev eth0'),
          ip('route del 10.8.8.9/32 dev eth0'),
          ip('route replace 10.8.8.2/32 dev nosuch0'),
          { write: 'net/ipv4/nosuch', value: '1' },
          ip('-6 route replace 2001:db8:8::1/128 dev nosuch0'),
          ip('route replace 10.8.8.3/32 dev eth0'),
        ]);
        console.log(JSON.stringify(results.map((error) => error?.message ?? null)));
      `,
    ]);
    const said = JSON.parse(stdout) as (string | null)[];
    assert.deepEqual(
      said.map((each) => each !== null),
      [false, true, true, true, true, false],
    );
    assert.match(said[1] ?? '', /^"ip route del 10\.8\.8\.9\/32 dev eth0" failed: .*No such process/);
    assert.match(said[2] ?? '', /^"ip route replace 10\.8\.8\.2\/32 dev nosuch0" failed: Cannot find device "nosuch0"/);
    assert.match(said[4] ?? '', /^"ip -6 route replace .*Cannot find device/);
    const { stdout: routes } = await host.exec(['ip', 'route', 'show', '10.8.8.0/24']);
    assert.equal(routes, '');
    const { stdout: all } = await host.exec(['ip', 'route', 'show', 'root', '10.8.8.0/24']);
    assert.deepEqual(all.match(/10\.8\.8\.\d/g), ['10.8.8.1', '10.8.8.3']);
  });
});
