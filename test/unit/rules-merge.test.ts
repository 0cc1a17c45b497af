import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { native } from '../../lib/native/addon.js';
import { parseRules, type RuleLine } from '../../lib/rules/parse-rules.js';
import { reloadRules } from '../../lib/rules/reload.js';
import { applyRules } from '../../lib/rules/apply.js';

const SOURCE = '10.2.0.2';
const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const SERVICE = '-A -t 192.0.2.1:80 -s rr';
const server = (weight: number) => `-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w ${weight}`;

const lines = (...rules: string[]): RuleLine[] =>
  parseRules(rules.join('\n'), { file: 'web.rules', support: native, isTimed: false });

/** What the file says of one server when it is read first, what somebody makes of it, and what the file says then. */
interface Cell {
  last: number | undefined;
  now: number | undefined;
  next: number | undefined;
  result: number | undefined;
}

const none = undefined;
const TABLE: Cell[] = [
  // The file says the same as before: what was done by hand stays.
  { last: 1, now: 1, next: 1, result: 1 },
  { last: 1, now: 2, next: 1, result: 2 },
  { last: 1, now: none, next: 1, result: none },
  { last: none, now: none, next: none, result: none },
  { last: none, now: 2, next: none, result: 2 },
  // The file says something else: it comes into force.
  { last: 1, now: 1, next: 3, result: 3 },
  { last: 1, now: 2, next: 3, result: 3 },
  { last: 1, now: 3, next: 3, result: 3 },
  { last: 1, now: none, next: 3, result: 3 },
  { last: 1, now: 1, next: none, result: none },
  { last: 1, now: 2, next: none, result: none },
  { last: 1, now: none, next: none, result: none },
  { last: none, now: none, next: 3, result: 3 },
  { last: none, now: 2, next: 3, result: 3 },
  { last: none, now: 3, next: 3, result: 3 },
];

const said = (weight: number | undefined) => (weight === undefined ? 'nothing' : `weight ${weight}`);

describe('a reload after changes by hand', () => {
  let director: Director;

  beforeEach(() => {
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
  });

  afterEach(async () => {
    await director.close();
  });

  const weights = () => director.virtualService(WEB)?.realServers.map(({ weight }) => weight);
  const file = (weight: number | undefined) => lines(SERVICE, ...(weight === undefined ? [] : [server(weight)]));

  function byHand(weight: number | undefined): void {
    const service = director.virtualService(WEB);
    const there = service?.realServer({ address: '10.0.0.11' });
    if (weight === undefined) there?.delete();
    else if (there) there.weight = weight;
    else service?.addRealServer({ address: '10.0.0.11', weight });
  }

  for (const { last, now, next, result } of TABLE)
    it(`of a server: the file said ${said(last)}, the director has ${said(now)}, the file says ${said(next)}`, async () => {
      applyRules(director, file(last));
      byHand(now);
      await reloadRules(director, file(next), { since: file(last) });
      assert.deepEqual(weights(), result === undefined ? [] : [result]);
    });

  for (const { last, now, next } of TABLE)
    it(`as the file says, without what it said: ${said(last)}, ${said(now)}, ${said(next)}`, async () => {
      applyRules(director, file(last));
      byHand(now);
      await reloadRules(director, file(next));
      assert.deepEqual(weights(), next === undefined ? [] : [next]);
    });

  const OTHER = '-A -u 192.0.2.1:53 -s rr';
  const DNS = { protocol: 'udp', address: '192.0.2.1', port: 53 } as const;

  it('of services: keeps one that was added, and leaves one that was deleted away until the file says more', async () => {
    applyRules(director, lines(SERVICE, server(1)));
    director.virtualService(WEB)?.delete();
    director.addVirtualService({ ...DNS, scheduler: 'rr' });
    await reloadRules(director, lines(SERVICE, server(1)), { since: lines(SERVICE, server(1)) });
    assert.deepEqual(
      director.virtualServices.map(({ port }) => port),
      [53],
    );
    await reloadRules(director, lines(SERVICE, server(2)), { since: lines(SERVICE, server(1)) });
    assert.deepEqual(
      director.virtualServices.map(({ port }) => port),
      [53, 80],
    );
  });

  it('of services: deletes one that the file no longer has, whatever was made of it', async () => {
    applyRules(director, lines(SERVICE, OTHER));
    director.virtualService(DNS)?.edit({ scheduler: 'wrr' });
    await reloadRules(director, lines(SERVICE), { since: lines(SERVICE, OTHER) });
    assert.equal(director.virtualService(DNS), undefined);
  });

  it('keeps the scheduler that was set by hand while the file changes persistence', async () => {
    applyRules(director, lines(SERVICE));
    director.virtualService(WEB)?.edit({ scheduler: 'wrr' });
    await reloadRules(director, lines(`${SERVICE} -p 60`), { since: lines(SERVICE) });
    const service = director.virtualService(WEB);
    assert.deepEqual([service?.scheduler, service?.persistence?.timeoutSeconds], ['wrr', 60]);
  });

  it('keeps what no rule can say, and the server that is down or drained', async () => {
    applyRules(director, lines('-A -t 192.0.2.1:80 -s wrr', server(1)));
    const service = director.virtualService(WEB);
    service?.edit({ slowStart: { seconds: 30 } });
    const there = service?.realServer({ address: '10.0.0.11' });
    if (there) there.isUp = false;
    await reloadRules(director, lines('-A -t 192.0.2.1:80 -s wrr -p 60', server(4)));
    assert.deepEqual([service?.slowStart, there?.weight, there?.isUp], [{ seconds: 30 }, 4, false]);
  });

  it('sees another tunnel to a server at an address of the director, though it is local for now', async () => {
    const local = (tunnel: string) => lines(SERVICE, `-a -t 192.0.2.1:80 -r ${SOURCE} -i ${tunnel}`);
    applyRules(director, local(''));
    assert.deepEqual(await reloadRules(director, local('')), []);
    const changes = await reloadRules(director, local('--tun-type gre'));
    assert.deepEqual(
      changes.map(({ change }) => change),
      ['edited'],
    );
    assert.equal(director.virtualService(WEB)?.realServers[0]?.isLocal, true);
  });

  it('keeps marks, timeouts and sysctls that the file did not change', async () => {
    const before = ['mark 1 dst 192.0.2.0/28', '--set 600 0 0', 'sysctl net.ipv4.vs.sloppy_tcp=1'];
    applyRules(director, lines(...before));
    director.setMarks([]);
    director.setTimeouts({ tcp: 50, udp: 51 });
    director.setSysctl('sloppy_tcp', 0);
    assert.deepEqual(await reloadRules(director, lines(...before), { since: lines(...before) }), []);
    const after = ['mark 2', '--set 700 0 0', 'sysctl net.ipv4.vs.sloppy_tcp=0'];
    await reloadRules(director, lines(...after), { since: lines(...before) });
    assert.deepEqual(director.marks, [{ mark: 2 }]);
    assert.deepEqual([director.timeouts.tcp, director.timeouts.udp, director.sysctls.sloppy_tcp], [700, 51, 0]);
  });
});
