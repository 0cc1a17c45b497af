/** `--drain` with `-d` and `-D`. */
import { strict as assert } from 'node:assert';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { executeAdm } from '../../lib/rules/adm/execute.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm } from '../support/adm.js';
import { tcp } from '../support/packets.js';

const WEB = '-t 192.0.2.1:80';

describe('a call of ipvsadm with --drain', () => {
  let director: OfflineDirector;
  let session: RulesSession;

  beforeEach(async () => {
    director = Director.offline({ source: '10.2.0.2', maxConnections: 4096 });
    session = new RulesSession(director);
    await give(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.3.0.11 -i`);
    director.process(tcp({ from: '198.51.100.1:2000', to: '192.0.2.1:80' }), 1);
  });
  afterEach(() => director.close());

  const call = (line: string, stdin = '') => callAdm(session, line, { stdin });
  const give = async (...rules: string[]) => assert.deepEqual(await answerOf('-R', rules.join('\n')), ['', 0]);

  async function answerOf(line: string, stdin = ''): Promise<[text: string, exit: number | undefined]> {
    const { text, exit } = await call(line, stdin);
    return [text, exit];
  }

  const server = () => director.virtualServices[0]?.realServers[0];

  it('deletes the server when its connections are over', async () => {
    const ending = call(`-d ${WEB} -r 10.3.0.11 --drain`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(server()?.isDraining, true);
    director.advance(100_000);
    assert.deepEqual((await ending).text, '');
    assert.equal(server(), undefined);
  });

  it('ends what is left after the seconds, and deletes the service', async () => {
    assert.deepEqual(await answerOf(`-D ${WEB} --drain 0`), ['', 0]);
    assert.equal(director.virtualServices.length, 0);
  });

  it('leaves the server drained when the caller goes', async () => {
    const call = executeAdm(session, { argv: `-d ${WEB} -r 10.3.0.11 --drain`.split(' ') });
    const over = new AbortController();
    const aborted = callAdm(session, `-d ${WEB} -r 10.3.0.11 --drain`, { signal: over.signal });
    setTimeout(() => over.abort(new Error('the client is gone')), 20);
    const { text, exit } = await aborted;
    assert.match(text, /^the waiting was ended: the servers stay drained/);
    assert.equal(exit, 255);
    // A sign of life comes while nothing happens; the caller may return then.
    assert.deepEqual(await call.next(), { done: false, value: { out: '' } });
    await call.return(undefined);
    assert.equal(server()?.isDraining, true);
  });

  it('is refused beside other commands, for a wrong number, and for what is not there', async () => {
    for (const [line, said] of [
      ['-C --drain', /^--drain does not go with this command: write it with -d or -D\n/],
      [`-d ${WEB} -r 10.3.0.11 --drain soon`, /^--drain soon: write a number of seconds/],
      [`-d ${WEB} -r 10.3.0.11 --drain 2147484`, /^--drain 2147484: write a number of seconds from 0 to 2147483\n/],
      [`-d ${WEB} -r 10.3.0.99 --drain`, /^No such destination\n/],
      ['-d -f 9 -r 10.3.0.99 --drain', /^Service not defined\n/],
      ['-D -f 9 --drain', /^No such service\n/],
    ] as const)
      assert.match((await call(line)).text, said);
  });
});
