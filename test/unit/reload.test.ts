import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { native } from '../../lib/native/addon.js';
import { listMarks } from '../../lib/rules/mark.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { reloadRules } from '../../lib/rules/reload.js';

const SOURCE = '10.2.0.2';

const RULES = `mark 1 dst 192.0.2.0/28
-A -f 1 -s rr -p 600
-a -f 1 -r 10.0.0.11 -i
-A -t 192.0.2.0/28:8000-8099 -s rr
-a -t 192.0.2.0/28:8000-8099 -r 10.0.0.11 -i
-A -u 192.0.2.1:53 -s rr -o
`;

describe('rules that are read again', () => {
  let director: Director;

  beforeEach(async () => {
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
    await reload(RULES);
  });

  afterEach(async () => {
    await director.close();
  });

  async function reload(rules: string): Promise<number> {
    const lines = parseRules(rules, { file: 'web.rules', support: native, isTimed: false });
    return reloadRules(director, lines, [SOURCE]);
  }

  it('change nothing where nothing differs', async () => {
    const services = director.virtualServices;
    assert.equal(await reload(RULES), 0);
    assert.deepEqual(director.virtualServices, services);
  });

  it('change marks, persistence and one-packet scheduling', async () => {
    const services = director.virtualServices;
    const changes = await reload(
      RULES.replace('192.0.2.0/28\n', '192.0.2.0/28 dport 80\nmark 2\n').replace('-p 600', '-p 60').replace(' -o', ''),
    );
    assert.equal(changes, 3);
    assert.deepEqual(director.virtualServices, services);
    assert.equal(listMarks(director.marks), 'mark 1 dst 192.0.2.0/28 dport 80\nmark 2\n');
    const [marked, , dns] = services;
    assert.deepEqual(marked?.persistence, { timeoutSeconds: 60 });
    assert.equal(dns?.onePacket, false);
  });

  it('leave marks as they were when they hold a mistake', async () => {
    await assert.rejects(reload(`${RULES}mark 3\n-A -f 1\n`), /web\.rules:8: the service -f 1 exists already/);
    assert.equal(listMarks(director.marks), 'mark 1 dst 192.0.2.0/28\n');
    assert.equal(director.virtualServices.length, 3);
  });
});
