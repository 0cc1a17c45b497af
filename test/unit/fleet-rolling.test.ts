/** `tunvs fleet drain` and `undrain`, of one director and of one after the other, at directors that follow. */
import { strict as assert } from 'node:assert';
import { hostname } from 'node:os';
import { PassThrough, Writable } from 'node:stream';
import { etcdOf } from '../../lib/cli/etcd-options.js';
import { drain } from '../../lib/cli/fleet/drain.js';
import { othersActive, whyNobodyLeft } from '../../lib/cli/fleet/left.js';
import { Rolling, type RollingOptions, type RollingParts } from '../../lib/cli/fleet/rolling.js';
import { askedTurn, commandTurn } from '../../lib/cli/fleet/turn.js';
import { wishesOf } from '../../lib/cli/fleet/wishes.js';
import { verbs } from '../../lib/cli/verbs/index.js';
import type { FleetView } from '../../lib/fleet/overview.js';
import type { MemberState } from '../../lib/fleet/state.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import type { FakeEtcd } from '../support/fake-etcd.js';
import { beforeEachFleet, type FleetRuns, PREFIX } from '../support/fleet-runs.js';

const COUNTS = { services: 1, servers: 1, serversUp: 1, connections: 3, health: {} };
const STATE: MemberState = {
  ...{ member: 'lb9', host: 'h', name: 'tunvs', version: '0.1.0', pid: 7, startedAtMs: 1, atMs: 2 },
  ...{ revision: 5, from: 'etcd', fingerprint: 'a', role: 'active', ...COUNTS },
};

describe('whether a director may be drained', () => {
  const view = (...members: [name: string, role: string, more?: 'drained' | 'away'][]): FleetView => ({
    ...{ prefix: PREFIX, revision: 1, unread: [] },
    directors: members.map(([member, role, more]) => ({
      ...{ member, disagrees: false },
      ...(more !== 'away' && { state: { ...STATE, member, role } }),
      ...(more === 'drained' && { drain: { sinceMs: 1 } }),
    })),
  });

  it('depends on who is active beside it, and is not drained', () => {
    const pair = view(['a', 'active'], ['b', 'standby']);
    assert.match(whyNobodyLeft(pair, 'a', {}) ?? '', /no other director is active.*--failover/);
    assert.equal(whyNobodyLeft(pair, 'a', { failover: true }), undefined);
    assert.equal(whyNobodyLeft(pair, 'b', {}), undefined);
    const left: [FleetView, RegExp | undefined][] = [
      [view(['a', 'active'], ['b', 'active']), undefined],
      [view(['a', 'active'], ['b', 'active', 'drained']), /no other director would be left/],
      [view(['a', 'active'], ['b', 'active', 'away']), /no other director would be left/],
      [view(['a', 'active'], ['b', 'standby', 'drained']), /no other director would be left/],
    ];
    for (const [each, why] of left)
      for (const options of [{}, { failover: true }]) {
        const said = whyNobodyLeft(each, 'a', options);
        assert.ok(why === undefined ? said === undefined : why.test(said ?? ''), said);
        assert.equal(whyNobodyLeft(each, 'a', { force: true }), undefined);
      }
    // What runs without a role was never a standby.
    const { role: _, ...old } = STATE;
    const { directors, ...others } = view(['a', 'active']);
    const mixed = { ...others, directors: [...directors, { member: 'b', state: old, disagrees: false }] };
    assert.deepEqual(
      othersActive(mixed, 'a').map(({ member }) => member),
      ['b'],
    );
  });
});

describe('tunvs fleet drain', function () {
  this.timeout(60_000);
  let etcd: FakeEtcd;
  let runs: FleetRuns;

  beforeEachFleet((...both) => {
    [etcd, runs] = both;
  });

  const fleet = (...words: string[]) => cli(['fleet', '--etcd', etcd.url, '--prefix', PREFIX, ...words], verbs);
  const drainKeys = () => [...etcd.keys.keys()].filter((key) => key.includes('/drain/'));

  /** Directors by these names, each with its role. */
  async function start(roles: Record<string, 'active' | 'standby'>) {
    const started = await Promise.all(
      Object.entries(roles).map(([etcdMember, role]) => runs.run({ etcdMember, role })),
    );
    for (const member of Object.keys(roles)) await runs.tellsFleet(/"role"/, member);
    return started.map(({ director }) => director);
  }

  it('returns when the director is a standby, and undrain when it is not any more', async () => {
    const [first] = await start({ lb1: 'active', lb2: 'active' });
    const drained = await fleet('drain', 'lb1');
    assert.deepEqual(drained, {
      ...{ exitCode: 0, stderr: '' },
      stdout: 'lb1 is drained: it is a standby now, with 0 connections\n',
    });
    assert.equal(first?.role, 'standby');
    assert.match(etcd.keys.get(`${PREFIX}/drain/lb1`)?.value ?? '', new RegExp(`"by":".*@${hostname()}"`));
    assert.match((await fleet()).stdout, /lb1 +standby .* to be drained for \d second/);
    const refused = await fleet('drain', 'lb2');
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /no other director would be left to forward in the place of lb2/);
    assert.equal((await fleet('undrain', 'lb1')).stdout, 'lb1 is no longer to be drained: it is active\n');
    assert.equal(first?.role, 'active');
    assert.deepEqual(drainKeys(), []);
  });

  it('takes the wish back when somebody drains the last other director at the same time', async () => {
    const [first] = await start({ lb1: 'active', lb2: 'active' });
    const { client, layout } = await etcdOf({ etcd: [etcd.url], prefix: PREFIX });
    const wishes = await wishesOf({ client, layout, warnings: [] });
    const both = async (member: string, sinceMs: number) => {
      await wishes.drain('lb2', 1);
      await wishes.drain(member, sinceMs);
    };
    const { signal } = new AbortController();
    const parts = { wishes: { ...wishes, drain: both }, say() {}, signal, timeoutMs: 10_000, pollMs: 20 };
    await assert.rejects(drain('lb1', {}, parts), /no other director is active any more, so lb1 is no longer/);
    client.close();
    await eventually(
      async () => first?.role,
      (role) => role === 'active',
      'lb1 is active again',
    );
    assert.deepEqual(drainKeys(), [`${PREFIX}/drain/lb2`]);
  });

  it('drains a standby, whoever is active', async () => {
    await start({ lb1: 'standby' });
    assert.equal((await fleet('drain', 'lb1')).exitCode, 0);
    await fleet('undrain', 'lb1');
    const { exitCode, stdout } = await fleet('drain', '--rolling', '--run', 'true');
    assert.equal(exitCode, 0, stdout);
  });

  it('leaves the wish, and says so, when the director does not follow', async () => {
    await start({ lb1: 'active' });
    etcd.put(`${PREFIX}/state/lb9`, JSON.stringify(STATE));
    const { exitCode, stdout, stderr } = await fleet('drain', 'lb9', '--timeout', '1', '--json');
    assert.equal(exitCode, 1);
    assert.deepEqual(JSON.parse(stdout), { event: 'wished', director: 'lb9' });
    assert.match(stderr, /after 1 s lb9 is no standby: its log says why/);
    assert.deepEqual(drainKeys(), [`${PREFIX}/drain/lb9`]);
  });

  it('drains one after the other, standbys first, and each is back before the next', async () => {
    const directors = await start({ lb1: 'active', lb2: 'active', lb3: 'standby' });
    const command = 'echo "$TUNVS_DIRECTOR on $TUNVS_DIRECTOR_HOST"';
    const { exitCode, stdout, stderr } = await fleet('drain', '--rolling', '--run', command);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(stderr, ['lb3', 'lb1', 'lb2'].map((each) => `${each} on ${hostname()}\n`).join(''));
    const steps = (name: string, role: string) => [
      `${name}: asked to drain`,
      `${name}: a standby now, with 0 connections`,
      `${name}: its turn, with 0 connections`,
      `${name}: no longer to be drained`,
      `${name}: back, as ${role}`,
    ];
    assert.deepEqual(stdout.split('\n'), [
      ...[...steps('lb3', 'a standby'), ...steps('lb1', 'active'), ...steps('lb2', 'active')],
      ...['all 3 directors had their turn', ''],
    ]);
    assert.deepEqual(
      directors.map(({ role }) => role),
      ['active', 'active', 'standby'],
    );
    assert.deepEqual(drainKeys(), []);
  });

  it('stops where a turn fails, leaves that director drained, and touches no other', async () => {
    const [first, second] = await start({ lb1: 'active', lb2: 'active' });
    const { exitCode, stdout, stderr } = await fleet('drain', '--rolling', '--json', '--run', 'exit 3');
    assert.equal(exitCode, 1);
    assert.match(stderr, /--run: the command for lb1 ended with 3/);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      events.map(({ event }) => event),
      ['draining', 'standby', 'turn', 'leftDrained', 'stopped'],
    );
    assert.deepEqual(events.at(-1), { event: 'stopped', done: [], left: ['lb1', 'lb2'] });
    assert.deepEqual([first?.role, second?.role], ['standby', 'active']);
    assert.deepEqual(drainKeys(), [`${PREFIX}/drain/lb1`]);
    const again = await fleet('drain', '--rolling', '--run', 'true');
    assert.match(again.stderr, /lb1 is to be drained already, as .*: let that end, or take it back/);
  });

  const wrong: [string[], RegExp][] = [
    [['drain', '--rolling'], /there is no terminal to ask at: give --run/],
    [['undrain', '--rolling'], /--rolling is for drain/],
    [['drain', 'lb1', 'lb2'], /drain takes one director: write drain --rolling for several/],
    [['drain', 'lb1', '--run', 'true'], /--run is for drain --rolling/],
    [['drain', 'lb1', '--wait', '1'], /--wait is for drain --rolling/],
  ];
  for (const [words, says] of wrong) {
    it(`refuses ${words.join(' ')}`, async () => {
      const { exitCode, stderr } = await fleet(...words);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, says);
    });
  }

  describe('--rolling', () => {
    const said: string[] = [];
    const over = { controller: new AbortController() };

    beforeEach(() => {
      said.length = 0;
      over.controller = new AbortController();
    });

    async function rolling(turn: RollingParts['turn'], more: Partial<RollingOptions> = {}, names: string[] = []) {
      const etcdParts = await etcdOf({ etcd: [etcd.url], prefix: PREFIX });
      const say = (event: string, sentence: string) => void said.push(`${event}: ${sentence}`);
      const parts = { wishes: await wishesOf(etcdParts), say, turn, signal: over.controller.signal };
      const options = { connections: 0, waitMs: 300, timeoutMs: 3_000, pollMs: 20, ...more };
      return new Rolling(parts, options).run(names).finally(() => etcdParts.client.close());
    }

    const events = () => said.map((each) => each.slice(0, each.indexOf(':')));

    it('undrains a director whose turn had not begun when it is told to end', async () => {
      const [first] = await start({ lb1: 'active', lb2: 'active' });
      const turns: string[] = [];
      const turn = async ({ member }: MemberState) => void turns.push(member);
      // Nobody has fewer than no connections.
      const running = rolling(turn, { connections: -1, waitMs: 60_000 }, ['lb1']);
      await eventually(
        async () => first?.role,
        (role) => role === 'standby',
        'lb1 is drained',
      );
      over.controller.abort(new Error('stopped by SIGINT'));
      await assert.rejects(running, /stopped by SIGINT/);
      await eventually(
        async () => first?.role,
        (role) => role === 'active',
        'lb1 is active again',
      );
      assert.deepEqual([turns, events().slice(-2)], [[], ['undrained', 'stopped']]);
      assert.deepEqual(drainKeys(), []);
    });

    it('leaves a director drained, and says so, that has its turn when it is told to end', async () => {
      await start({ lb1: 'active', lb2: 'active' });
      const turn = async () => over.controller.abort(new Error('stopped by SIGINT'));
      await assert.rejects(rolling(turn), /stopped by SIGINT/);
      assert.match(said.join('\n'), /leftDrained: lb1: stays drained.*tunvs fleet undrain lb1/);
      assert.deepEqual(drainKeys(), [`${PREFIX}/drain/lb1`]);
    });

    it('waits until connections are few, or their time has passed', async () => {
      await start({ lb1: 'active' });
      const state = (connections: number) =>
        etcd.put(
          `${PREFIX}/state/lb9`,
          JSON.stringify({ ...STATE, connections, fingerprint: 'x', role: 'standby', drainSinceMs: 1 }),
        );
      state(7);
      const timer = setTimeout(() => state(2), 150);
      let had: number | undefined;
      const turn = async ({ connections }: MemberState) => {
        had = connections;
        throw new Error('enough');
      };
      const options = { force: true, connections: 2, waitMs: 10_000 };
      await assert.rejects(rolling(turn, options, ['lb9']), /enough/);
      clearTimeout(timer);
      assert.equal(had, 2);
      await assert.rejects(rolling(turn, { ...options, connections: 1, waitMs: 100 }, ['lb9']), /enough/);
      assert.equal(had, 2);
    });

    it('refuses where nobody would be active, and where not all is well', async () => {
      await start({ lb1: 'active', lb2: 'standby' });
      const turn = async () => {};
      await assert.rejects(rolling(turn), /no other director is active, and lb1 would leave the fleet without one/);
      assert.deepEqual([drainKeys(), said.at(-1)], [[], 'stopped: stopped: lb2 had their turn, and lb1 not']);
      await assert.rejects(rolling(turn, {}, ['lb8']), /no director of .* is called lb8: there are lb1, lb2/);
      etcd.put(`${PREFIX}/state/lb9`, JSON.stringify({ ...STATE, fingerprint: 'x' }));
      await assert.rejects(rolling(turn), /lb9 disagrees with most directors: mend that first, or give --force/);
    });

    it('undrains a director when no standby takes over from it', async () => {
      const [first] = await start({ lb1: 'active', lb2: 'standby' });
      const options = { failover: true, timeoutMs: 2_000 };
      await assert.rejects(
        rolling(async () => {}, options, ['lb1']),
        /after 2 s no other director is active/,
      );
      assert.deepEqual(drainKeys(), []);
      await eventually(
        async () => first?.role,
        (role) => role === 'active',
        'lb1 is active again',
      );
    });

    it('goes on when a standby takes over, and where that stays active', async () => {
      const [first, second] = await start({ lb1: 'active', lb2: 'standby' });
      const watch = setInterval(() => {
        // As keepalived does, who sees one of them only.
        if (first?.role === 'standby' && second?.role === 'standby') second.setRole('active');
      }, 20);
      try {
        await rolling(async () => {}, { failover: true }, ['lb1']);
      } finally {
        clearInterval(watch);
      }
      assert.equal(events().at(-1), 'done');
    });

    it('says who is not back, and leaves the others alone', async () => {
      const [first] = await start({ lb1: 'active', lb2: 'active' });
      const turn = async () => {
        const run = runs.membershipOf('lb1');
        run?.setRole(first as never, 'standby');
      };
      await assert.rejects(rolling(turn, { timeoutMs: 3_000 }), /lb1 is a standby, which it was not before/);
      assert.deepEqual(events().slice(-2), ['undrained', 'stopped']);
      assert.deepEqual(drainKeys(), []);
    });
  });
});

describe('the turn of a director', () => {
  const state = { member: 'lb1', host: 'h1', name: 'web' };
  const silent = { stderr: new Writable({ write: (_chunk, _encoding, done) => done() }) };

  it('is a command, which ends with the signal', async () => {
    const over = new AbortController();
    const running = commandTurn('exec sleep 30', silent)(state, over.signal);
    setTimeout(() => over.abort(new Error('stopped')), 50);
    await assert.rejects(running, /ended by SIGTERM/);
  });

  it('is what the operator does until Enter, or until standard input ends', async () => {
    const io = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() });
    const { signal } = new AbortController();
    const asked = io();
    const running = askedTurn(asked)(state, signal);
    asked.stdin.write('\n');
    await running;
    assert.match(String(asked.stderr.read()), /Do with lb1 on h1 what is to be done, then press Enter/);
    const ended = io();
    const refused = askedTurn(ended)(state, signal);
    ended.stdin.end();
    await assert.rejects(refused, /standard input has ended, and nobody has said that lb1 is done/);
    const over = new AbortController();
    const stopped = askedTurn(io())(state, over.signal);
    over.abort(new Error('stopped'));
    await assert.rejects(stopped);
  });
});
