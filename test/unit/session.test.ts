/** ipvsadm's commands at a director that goes on working between them. */
import { strict as assert } from 'node:assert';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { native } from '../../lib/native/addon.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { RulesSession } from '../../lib/rules/session.js';
import { tcp } from '../support/packets.js';

describe('a session of rules', () => {
  let director: OfflineDirector;
  let session: RulesSession;

  beforeEach(() => {
    director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    session = new RulesSession(director);
  });
  afterEach(() => director.close());

  async function execute(text: string): Promise<string> {
    let printed = '';
    const lines = parseRules(text, { file: 'web.rules', support: native, isTimed: true });
    for await (const piece of session.execute(lines)) printed += piece;
    return printed;
  }

  it('prints what is in force between its changes', async () => {
    const printed = await execute('-A -t 192.0.2.1:80 -s rr\n-S -n\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n-S -n\n');
    assert.equal(
      printed,
      '-A -t 192.0.2.1:80 -s rr\n-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip\n',
    );
  });

  it('undoes the changes since the last listing when one of them is a mistake, and names its line', async () => {
    const mistake = '-A -t 192.0.2.1:80 -s rr\n-S -n\n-A -u 192.0.2.1:53 -s rr\n-d -t 192.0.2.1:80 -r 10.0.0.99\n';
    await assert.rejects(execute(mistake), /web\.rules:4: /);
    assert.deepEqual(
      director.virtualServices.map(({ protocol }) => protocol),
      ['tcp'],
    );
    await assert.rejects(execute('-L -n -u 192.0.2.1:53\n'), /web\.rules:1: /);
  });

  it('shows rates from the estimator that it has kept', async () => {
    await execute('-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n');
    session.beginEstimates(0);
    const syns = Array.from({ length: 80 }, (_, i) => tcp({ from: `198.51.100.1:${2000 + i}`, to: '192.0.2.1:80' }));
    director.process(syns, 1000);
    assert.match(await execute('-L -n --rate\n'), /192\.0\.2\.1:80 +0 +0 +/);
    session.stepEstimates();
    // The rate was 40 a second over the last two seconds, and the estimate has gone a quarter of the way there.
    assert.match(await execute('-L -n --rate\n'), /192\.0\.2\.1:80 +10 +10 +/);
  });
});
