/** An error that nobody listens to is thrown, as everywhere in Node: no program goes on unaware. */
import { strict as assert } from 'node:assert';
import { describeLab, hostState, Lab, type LabHost } from '../support/lab.js';

const LIBRARY = new URL('../../lib/index.js', import.meta.url).href;

const OPENED = {
  director: `Director.open({ source: '10.2.0.2', egress: 'tun', device: { name: 'gone0', queues: 1 } })`,
  'real server': `RealServerHost.open(
    { virtualAddresses: '10.9.9.9', directors: ['10.2.0.3'], mode: 'userspace', device: 'gone0' })`,
};

describeLab('an error that nobody listens to', () => {
  let lab: Lab;
  let host: LabHost;
  let other: LabHost;

  before(async () => {
    lab = Lab.create();
    [host, other] = [await lab.addHost('host'), await lab.addHost('other')];
    host.ip([
      'link add name eth0 type veth peer name unplugged',
      'link set dev eth0 up',
      'link set dev unplugged up',
      'address add 10.2.0.2/24 dev eth0',
    ]);
  });

  after(async () => {
    await lab?.dispose();
  });

  for (const [what, opened] of Object.entries(OPENED)) {
    for (const harm of ['is deleted', 'is moved to another network namespace'] as const) {
      it(`ends the program of a ${what} whose device ${harm}, and the host is what it was`, async () => {
        const untouched = await hostState(host);
        const program = `
          import { Director, RealServerHost } from ${JSON.stringify(LIBRARY)};
          await ${opened};
          console.log('open');
          setTimeout(() => console.log('went on'), 20_000);
        `;
        const child = host.spawn([process.execPath, '--input-type=module', '-e', program]);
        await new Promise((resolve) => child.onLine(resolve));
        host.ip([harm === 'is deleted' ? 'link delete dev gone0' : `link set dev gone0 netns ${other.namespace}`]);
        const { code } = await child.exited;
        assert.deepEqual([code, child.lines], [1, ['open']]);
        assert.match(child.stderr, /gone0'? (is gone|can't be read)/);
        assert.match(child.stderr, /code: 'ERR_TUNVS_NO_DEVICE'/);
        assert.equal(await hostState(host), untouched);
      });
    }
  }
});
