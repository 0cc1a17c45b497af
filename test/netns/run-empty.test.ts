/** A director that begins without services and is filled by hand, and one of full NAT that its file fills. */
import { strict as assert } from 'node:assert';
import { describeLab } from '../support/lab.js';
import { beforeEachOperated, OPERATED_SOURCE, type Operated } from '../support/operated.js';

const WEB = '-t 10.9.9.9:80';

describeLab('a director without a file', () => {
  let operated: Operated;

  beforeEachOperated((each) => {
    operated = each;
  });

  it('is filled by tunvsadm, keeps what it has when it is to read its file again, and leaves nothing', async () => {
    const before = await operated.hostState();
    const daemon = await operated.start(['--source', OPERATED_SOURCE, '--queues', '1', '--nat-source', '10.77.0.1']);
    // No network of this host has that one.
    assert.match(daemon.stderr, /full NAT's source 10\.77\.0\.1 is in no network of this host/);
    assert.deepEqual(await operated.rules(), ['']);
    const server = '-r 10.2.0.11:8080 -m --full-nat';
    for (const words of [`-A ${WEB} -s rr`, `-a ${WEB} ${server}`, `-e ${WEB} ${server} --client-address toa`]) {
      const { code, stderr } = await operated.adm(...words.split(' '));
      assert.deepEqual([code, stderr], [0, ''], words);
    }
    const rules = [`-A ${WEB} -s rr`, `-a ${WEB} -r 10.2.0.11:8080 -m -w 1 --full-nat --client-address toa`];
    assert.deepEqual(await operated.rules(), rules);
    assert.equal((await operated.tunvs('reload')).stdout, '0 changes\n');
    const reset = await operated.tunvs('reload', '--reset');
    assert.match(reset.stderr, /was started without a file: "tunvsadm -C" removes all of its services/);
    const refused = await operated.adm('-a', ...WEB.split(' '), '-r', '10.77.0.1', '-m', '--full-nat');
    assert.match(refused.stderr, /^10\.77\.0\.1 can't be a real server, because full NAT gives this address/);
    assert.deepEqual(await operated.rules(), rules);
    await operated.stop();
    assert.equal(await operated.hostState(), before);
  });

  it('of full NAT tells servers what its file says, from the start and after a reload', async () => {
    const config = (told: string) =>
      operated.write(
        'tunvs.yaml',
        `source: ${OPERATED_SOURCE}
fullNat: { sources: [10.77.0.1] }
services:
  - listen: tcp 10.9.9.9:80
    servers: [{ address: 10.2.0.11, port: 8080, forwarding: snat${told} }]
`,
      );
    const told = async () => {
      const { stdout } = await operated.adm('-Ln', '--json');
      return JSON.parse(stdout).services[0].servers[0].clientAddress;
    };
    await operated.start(['--config', config(', clientAddress: proxy')]);
    assert.equal(await told(), 'proxy');
    for (const [text, expected] of [
      [', clientAddress: toa', 'toa'],
      ['', 'none'],
    ] as const) {
      config(text);
      assert.match((await operated.tunvs('reload')).stdout, /^1 change\n.*clientAddress \w+ -> \w+\n$/);
      assert.equal(await told(), expected);
    }
  });
});
