/** `-R` at a running director: one transaction. */
import { strict as assert } from 'node:assert';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm } from '../support/adm.js';
import { tcp } from '../support/packets.js';

const WEB = '-t 192.0.2.1:80';

describe('a call of ipvsadm -R', () => {
  let director: OfflineDirector;
  let session: RulesSession;

  beforeEach(() => {
    director = Director.offline({ source: '10.2.0.2', maxConnections: 4096 });
    session = new RulesSession(director);
  });
  afterEach(() => director.close());

  const call = (line: string, stdin = '') => callAdm(session, line, { stdin });
  const give = async (...rules: string[]) => assert.deepEqual(await answerOf('-R', rules.join('\n')), ['', 0]);

  async function answerOf(line: string, stdin = ''): Promise<[text: string, exit: number | undefined]> {
    const { text, exit } = await call(line, stdin);
    return [text, exit];
  }
  const saved = async () => (await call('-S -n')).out;

  it('puts all rules into force, or none of them, and names the line', async () => {
    await give(`-A ${WEB} -s rr`);
    const before = await saved();
    const rules = ['# web', '-A -t 192.0.2.2:80', `-a ${WEB} -r 10.3.0.11 -i`, '', '-d -t 192.0.2.2:80 -r 10.3.0.9'];
    assert.deepEqual(await answerOf('-R', rules.join('\n')), ['line 5: No such destination\n', 255]);
    assert.equal(await saved(), before);
    assert.deepEqual(await answerOf('-R', `-A -u 192.0.2.3:53\n-A -t\n`), ['line 2: -t: missing argument\n', 255]);
    assert.equal(await saved(), before);
  });

  it('replaces what -C at its head takes away in the same moment', async () => {
    await give(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.3.0.11 -i`);
    const seen: number[] = [];
    director.on('virtualService', () => seen.push(director.virtualServices.length));
    await give('-C', `-A ${WEB} -s wrr`, `-a ${WEB} -r 10.3.0.12 -i`);
    assert.ok(seen.length > 0);
    assert.deepEqual(new Set(seen), new Set([1]));
    assert.equal(await saved(), `-A ${WEB} -s wrr\n-a ${WEB} -r 10.3.0.12:80 -i -w 1 --tun-type ipip\n`);
    const before = await saved();
    assert.equal((await call('-R', '-C\ngarbage\n')).exit, 255);
    assert.equal(await saved(), before);
  });

  it('undoes timeouts, sysctls and marks as well', async () => {
    const before = (await call('-S --all')).out;
    const rules = ['--set 1 2 3', 'sysctl net.ipv4.vs.sloppy_tcp=1', 'mark 7 dst 192.0.2.9', '-D -f 9'];
    assert.deepEqual(await answerOf('-R', rules.join('\n')), ['line 4: No such service\n', 255]);
    assert.equal((await call('-S --all')).out, before);
  });

  it('takes the leading ipvsadm, comments and quotes, and lists what is in force by then', async () => {
    const rules = `ipvsadm -A "-t" '192.0.2.1:80' # web\r\n-Ln ${WEB}\n-D ${WEB}\n-Ln ${WEB}\n`;
    const { out, err, exit } = await call('-R', rules);
    assert.match(out, /^Prot .*\n {2}-> .*\nTCP {2}192\.0\.2\.1:80 wlc\n$/);
    assert.deepEqual([err, exit], ['line 4: No such service\n', 255]);
  });

  it('reads no rules inside of rules', async () => {
    const answer = await answerOf('-R', '-R\n');
    assert.deepEqual(answer, ["Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n", 255]);
  });

  it('does nothing when there is nothing to do', async () => assert.deepEqual(await answerOf('-R'), ['', 0]));

  it('keeps connections whose service and server are in both', async () => {
    const rules = [`-A ${WEB} -s rr`, ...[11, 12, 13].map((host) => `-a ${WEB} -r 10.3.0.${host} -i`)];
    const flows = Array.from({ length: 6 }, (_, i) => ({ from: `198.51.100.1:${2000 + i}`, to: '192.0.2.1:80' }));
    const servers = (flags: string) =>
      flows.map((flow) =>
        director
          .process(tcp({ ...flow, flags }), 1)
          .outputs[0]?.data.subarray(16, 20)
          .join('.'),
      );
    await give(...rules);
    const chosen = servers('S');
    assert.equal(new Set(chosen).size, 3);
    await give('-C', ...rules);
    assert.deepEqual(servers('A'), chosen);
    assert.equal(director.stats().table.ipv4, 6);
  });
});
