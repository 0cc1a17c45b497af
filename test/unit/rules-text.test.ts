/** Rules as text, for programs. */
import { strict as assert } from 'node:assert';
import { applyRules, Director, printRules } from '../../lib/index.js';

const WEB = '-A -t 192.0.2.1:80 -s wrr\n-a -t 192.0.2.1:80 -r 10.3.0.11:80 -i -w 3\n';

describe('rules as text', () => {
  const directors: Director[] = [];
  const opened = () => {
    const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    directors.push(director);
    return director;
  };

  afterEach(async () => {
    for (const director of directors.splice(0)) await director.close();
  });

  const weights = (director: Director) =>
    director.virtualServices.flatMap(({ realServers }) => realServers.map(({ weight }) => weight));

  it('are put into force, as a text or as its lines', () => {
    for (const rules of [WEB, WEB.split('\n')]) {
      const director = opened();
      assert.deepEqual(applyRules(director, rules), []);
      assert.deepEqual(weights(director), [3]);
    }
  });

  it('change what is there, and take its place behind -C', () => {
    const director = opened();
    applyRules(director, WEB);
    applyRules(director, ['-e -t 192.0.2.1:80 -r 10.3.0.11:80 -i -w 7']);
    assert.deepEqual(weights(director), [7]);
    applyRules(director, `-C\n${WEB}`);
    assert.deepEqual(weights(director), [3]);
  });

  const MISTAKES: [string, string[], RegExp][] = [
    ['of the grammar', ['-A -t 192.0.2.1:81', '-A -t 192.0.2.1:80 -s nonsense'], /^rules:2: /],
    ['that the director refuses', ['-A -t 192.0.2.1:81', 'sysctl net.ipv4.vs.drop_entry=3', WEB], /^rules:3: .*exists/],
    ['of a listing', ['-A -t 192.0.2.1:81', '-L -n'], /^rules:2: .*leave the rule out/],
  ];

  for (const [name, rules, sentence] of MISTAKES) {
    it(`name the line of a mistake ${name}, and change nothing`, () => {
      const director = opened();
      applyRules(director, WEB);
      const before = printRules(director);
      assert.throws(() => applyRules(director, rules), { code: 'ERR_TUNVS_RULES', message: sentence });
      assert.equal(printRules(director), before);
    });
  }

  it('have the name that is given in errors', () => {
    const rules = '-A -t 192.0.2.1';
    assert.throws(() => applyRules(opened(), rules, { file: 'web.rules' }), { message: /^web\.rules:1: / });
  });

  it('say what has no effect, with its line', () => {
    const [said, ...others] = applyRules(opened(), `${WEB}sysctl net.ipv4.vs.est_nice=8\n`);
    assert.match(said ?? '', /^rules:3: net\.ipv4\.vs\.est_nice has no effect here/);
    assert.deepEqual(others, []);
  });

  it('come back from what is printed', () => {
    const first = opened();
    applyRules(first, `${WEB}-a -t 192.0.2.1:80 -r 10.3.0.12:80 -i -w 0 -x 9 -y 4\n--set 100 20 30\n`);
    applyRules(first, ['sysctl net.ipv4.vs.sloppy_tcp=1', 'mark 7 proto tcp dst 192.0.2.9', '-A -f 7 -s mh -p 60']);
    const second = opened();
    applyRules(second, printRules(first));
    assert.equal(printRules(second), printRules(first));
    assert.deepEqual(second.timeouts, first.timeouts);
    assert.equal(second.sysctls.sloppy_tcp, 1);
    assert.deepEqual(second.marks, first.marks);
    assert.deepEqual(weights(second), [3, 0]);
  });

  it('of another kind are refused by name, as are other options and directors', async () => {
    const director = opened();
    const refused = { code: 'ERR_TUNVS_INVALID_ARGUMENT' };
    for (const rules of [undefined, 1, [1], new Uint8Array()])
      assert.throws(() => applyRules(director, rules as never), { ...refused, message: /a text, or an array of its/ });
    assert.throws(() => applyRules(director, WEB, { name: 'x' } as never), { ...refused, option: 'name' });
    assert.throws(() => applyRules(director, WEB, { file: 1 } as never), { ...refused, option: 'file' });
    assert.throws(() => applyRules(undefined as never, WEB), { ...refused, option: 'director' });
    assert.throws(() => printRules({} as never), { ...refused, option: 'director' });
    await director.close();
    assert.throws(() => applyRules(director, WEB), { code: 'ERR_TUNVS_CLOSED' });
    assert.throws(() => printRules(director), { code: 'ERR_TUNVS_CLOSED' });
  });
});
