/** Scripts that call ipvsadm, at a running daemon, by the links of `tunvs install-ipvsadm`. */
import { strict as assert } from 'node:assert';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeEachOperated, type Operated, operatedConfig } from '../support/operated.js';

describeLab('scripts that know ipvsadm, beside a daemon', () => {
  let host: LabHost;
  let operated: Operated;

  beforeEachOperated(async (each) => {
    operated = each;
    host = each.host;
    await operated.start([
      '--config',
      operated.write('tunvs.yaml', operatedConfig({ '10.2.0.11': 1, '10.2.0.12': 1 })),
    ]);
    operated.write('sbin/.keep', '');
    assert.equal((await operated.tunvs('install-ipvsadm', operated.path('sbin'))).code, 0);
  });

  async function script(text: string): Promise<string> {
    const path = `PATH=${operated.path('sbin')}:${process.env.PATH}`;
    const { code, stdout, stderr } = await operated.as(
      [],
      ['env', path, 'sh', '-ec', `cd ${operated.folder}\n${text}`],
    );
    assert.deepEqual([stderr, code], ['', 0]);
    return stdout;
  }

  it('clear and add, in separate calls', async () => {
    const said = await script(`
      VIP=10.9.9.7
      ipvsadm -C
      ipvsadm -A -t $VIP:80 -s wrr
      for RIP in 10.2.0.21 10.2.0.22; do
        ipvsadm -a -t $VIP:80 -r $RIP:80 -i -w 2
      done
      ipvsadm -S -n`);
    assert.equal(
      said,
      `-A -t 10.9.9.7:80 -s wrr
-a -t 10.9.9.7:80 -r 10.2.0.21:80 -i -w 2 --tun-type ipip
-a -t 10.9.9.7:80 -r 10.2.0.22:80 -i -w 2 --tun-type ipip
`,
    );
    const { stdout } = await host.exec(['ip', 'route', 'show', 'dev', 'tunvs0']);
    assert.match(stdout, /^10\.9\.9\.7 /m);
    assert.doesNotMatch(stdout, /10\.9\.9\.9/);
  });

  it('pick columns out of listings and go by them', async () => {
    const said = await script(`
      ipvsadm -Ln | awk '$1 == "->" && $2 ~ /:80$/ { print $2, $4 }'
      ipvsadm -Ln | awk '/^TCP/ { vip = $2 } $1 == "->" && $2 ~ /^10/ { print vip, $2 }' |
        while read VIP RIP; do ipvsadm -e -t $VIP -r $RIP -i -w 0; done
      ipvsadm -L -n --stats | grep -c '10.2.0.1'
      if ipvsadm -Ln -t 10.9.9.1:80 >/dev/null 2>&1; then echo there; else echo missing $?; fi
      ipvsadm -Sn | grep -c -- '-w 0'`);
    assert.equal(said, '10.2.0.11:80 1\n10.2.0.12:80 1\n2\nmissing 255\n2\n');
  });

  it('save to a file and restore from it, as services of init do', async () => {
    const said = await script(`
      ipvsadm-save -n > saved
      ipvsadm -C
      test -z "$(ipvsadm-save -n)"
      ipvsadm-restore < saved
      ipvsadm-restore < saved
      ipvsadm-save -n | cmp - saved
      ipvsadm -Z
      ipvsadm --set 100 20 30
      ipvsadm -Ln --timeout`);
    assert.equal(said, 'Timeout (tcp tcpfin udp): 100 20 30\n');
    // What is by hand stays where the file has not changed.
    assert.match((await operated.tunvs('reload')).stdout, /^0 changes\n/);
  });
});
