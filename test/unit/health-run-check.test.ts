/** One check by the virtual address, by the server's own, or by both: what is asked, when it ends, what is left. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Director, type RealServer } from '../../lib/index.js';
import { type Check, type CheckContext, CheckFailure, passed } from '../../lib/health/checks/check.js';
import { tcpCheck } from '../../lib/health/checks/tcp.js';
import { PinnedWays, type PinningDirector } from '../../lib/health/way/pinned-ways.js';
import { type CheckRun, runCheck } from '../../lib/health/way/run-check.js';
import { eventuallyHolds } from '../support/eventually.js';
import { FakeHost } from '../support/fake-host.js';

const RIP = '127.0.0.2';
const VIP = '127.0.0.3';
const SOURCE = '127.0.0.1';

/** Loopback in place of the tunnel: who listens on VIP is what the tunnel leads to. */
describe('running a check', () => {
  const listening: Server[] = [];
  let packets: number;
  let released: number;
  let held: string[];
  let ways: PinnedWays;

  const pinning: PinningDirector = {
    sources: [SOURCE],
    device: { name: 'tunvs0' },
    markDevices: [],
    marks: [],
    pin: () => ({ report: () => ({ packets, bytes: 0, kept: {} }), release: () => (released += 1) }),
    holdOwnClients: (addresses) => {
      held.push(...addresses);
      return { hopLimit: 0, release: () => addresses.forEach((each) => void held.splice(held.indexOf(each), 1)) };
    },
  };

  beforeEach(() => {
    [packets, released, held] = [2, 0, []];
    const addresses = [{ interfaceName: 'lo', address: SOURCE, prefixLength: 8 }];
    const answers = { [`ip -4 -o route get ${VIP} from ${SOURCE} ipproto tcp sport 61000`]: `${VIP} dev tunvs0` };
    const host = new FakeHost({ addresses, answers });
    const sourcePorts = { first: 47_401, last: 47_432 };
    ways = new PinnedWays(pinning, { sourcePorts, host, readNetstat: () => '', nowMs: () => 0 });
  });

  afterEach(() => {
    for (const server of listening.splice(0)) server.close();
    ways[Symbol.dispose]();
    assert.deepEqual(held, []);
  });

  async function listen(address: string, port = 0): Promise<number> {
    const server = createServer((socket) => socket.on('error', () => {}).resume());
    await once(server.listen(port, address), 'listening');
    listening.push(server);
    return (server.address() as AddressInfo).port;
  }

  const serverAt = (port: number) =>
    ({
      ...{ address: RIP, port, forwarding: 'ipip', tunnelPort: 0 },
      service: { protocol: 'tcp', address: VIP, port },
    }) as unknown as RealServer;

  const run = (port: number, more: Partial<CheckRun> = {}) =>
    runCheck(ways, { check: tcpCheck(), server: serverAt(port), via: 'both', timeoutMs: 200, ...more });

  /** Notes the ways that it is asked by, and does as it is told for each. */
  function noting(acts: Partial<Record<'vip' | 'address', (context: CheckContext) => Promise<never>>> = {}) {
    const asked: string[] = [];
    const check: Check = {
      kind: 'noting',
      needsWay: true,
      run: async (context) => {
        asked.push(context.way.name);
        const socket = await context.way.connect(context.signal);
        try {
          return (await acts[context.way.name]?.(context)) ?? passed('connected');
        } finally {
          socket.resetAndDestroy();
        }
      },
    };
    return { asked, check };
  }

  const silent = ({ signal }: CheckContext) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

  it('asks the virtual address alone while it passes', async () => {
    const { asked, check } = noting();
    const port = await listen(VIP);
    assert.deepEqual(await run(port, { check }), { passed: true, message: 'connected' });
    assert.deepEqual(asked, ['vip']);
    await eventuallyHolds(async () => assert.equal(released, 1));
    assert.deepEqual(held, [VIP]);
  });

  it("asks the server's own address when that has failed", async () => {
    const port = await listen(RIP);
    const finding = await run(port);
    assert.deepEqual([finding.reason, finding.message], ['refused', `connection refused, while ${RIP} answers`]);
    assert.equal((await run(port, { via: 'vip' })).message, 'connection refused');
    assert.equal((await run(port, { via: 'address' })).passed, true);
    assert.equal(released, 2);
  });

  it("asks the server's own address within the time when there is silence", async () => {
    const port = await listen(VIP);
    await listen(RIP, port);
    const { asked, check } = noting({
      vip: silent,
      address: () => Promise.reject(new CheckFailure('closed', 'it ends')),
    });
    const finding = await run(port, { check, timeoutMs: 60 });
    assert.deepEqual(asked, ['vip', 'address']);
    assert.deepEqual([finding.reason, finding.message], ['timeout', 'no answer within 60 ms']);
  });

  it('ends what it asked when the virtual address answers after all', async () => {
    const port = await listen(VIP);
    await listen(RIP, port);
    let hasEnded = false;
    const acts = {
      vip: async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return undefined as never;
      },
      address: (context: CheckContext) => silent(context).finally(() => (hasEnded = true)),
    };
    const { asked, check } = noting(acts);
    assert.equal((await run(port, { check, timeoutMs: 100 })).passed, true);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([asked, hasEnded], [['vip', 'address'], true]);
  });

  it('does not take an answer that has not passed the director', async () => {
    packets = 0;
    const port = await listen(VIP);
    const finding = await run(port);
    assert.deepEqual([finding.passed, finding.reason], [false, 'failed']);
    assert.match(finding.message, /answered, but not by the director/);
  });

  it('makes findings of whatever a check throws', async () => {
    const port = await listen(VIP);
    const throws = (thrown: unknown): Check => ({ kind: 'bad', needsWay: true, run: () => Promise.reject(thrown) });
    const named = new CheckFailure('wrong answer', 'status 503', { mend: 'Free the disk.' });
    assert.deepEqual(await run(port, { check: throws(named), via: 'vip' }), {
      ...{ passed: false, reason: 'wrong answer', message: 'status 503', mend: 'Free the disk.' },
    });
    for (const [thrown, message] of [
      [new Error('a mistake'), 'a mistake'],
      [undefined, 'the check has thrown something that is no error'],
    ] as const)
      assert.deepEqual(await run(port, { check: throws(thrown) }), { passed: false, reason: 'failed', message });
  });

  it('pins nothing for a check that has a way of its own', async () => {
    const check: Check = { kind: 'exec', needsWay: false, run: async () => passed('exit code 0') };
    assert.equal((await run(1, { check })).passed, true);
    assert.deepEqual([released, held], [0, []]);
  });

  it('rejects with the reason of the one who ends it', async () => {
    const port = await listen(VIP);
    const { check } = noting({ vip: silent, address: silent });
    const ending = new AbortController();
    const running = run(port, { check, signal: ending.signal });
    setTimeout(() => ending.abort(new Error('the monitor closes')), 20);
    await assert.rejects(running, /the monitor closes/);
    await assert.rejects(run(port, { signal: ending.signal }), /the monitor closes/);
    await eventuallyHolds(async () => assert.equal(released, 1));
  });

  it('says what is known when the one who runs it says that the time is over', async () => {
    const check: Check = {
      kind: 'silent',
      needsWay: true,
      run: async ({ way, signal }) => {
        (await way.connect(signal)).resetAndDestroy();
        return silent({ signal } as CheckContext);
      },
    };
    const port = await listen(VIP);
    const signal = AbortSignal.timeout(20);
    const over = new AbortController();
    signal.addEventListener('abort', () => over.abort(new CheckFailure('timeout', 'no answer within 20 ms')));
    const finding = await run(port, { check, via: 'vip', timeoutMs: 10_000, signal: over.signal });
    assert.deepEqual([finding.reason, finding.message], ['timeout', 'no answer within 20 ms']);
  });

  it('names the fault of a check that does not heed its signal, whoever ends it', async () => {
    const deaf: Check = { kind: 'deaf', needsWay: true, run: connected };
    async function connected({ way, signal }: CheckContext): Promise<never> {
      await way.connect(signal);
      return new Promise<never>(() => {});
    }
    const port = await listen(VIP);
    const over = new AbortController();
    setTimeout(() => over.abort(new CheckFailure('timeout', 'no answer within 20 ms')), 20);
    for (const how of [{ timeoutMs: 10_000, signal: over.signal }, { timeoutMs: 20 }]) {
      const finding = await run(port, { check: deaf, via: 'both', ...how });
      assert.deepEqual([finding.reason, finding.message], ['timeout', 'no answer within 20 ms']);
      assert.match(finding.mend ?? '', /./);
    }
  });

  it('holds the host for the services that are checked, and gives back the others', () => {
    const server = serverAt(80);
    const other = {
      ...server,
      service: { protocol: 'tcp', address: '192.0.2.0/28', port: 80 },
    } as unknown as RealServer;
    const unnamed = {
      ...server,
      service: { protocol: 'ip', address: '0.0.0.0', port: 0, mark: 7 },
    } as unknown as RealServer;
    ways.prepare([server, server, other, unnamed]);
    assert.deepEqual(held.sort(), [VIP, '192.0.2.0/28'].sort());
    ways.prepare([other]);
    assert.deepEqual(held, ['192.0.2.0/28']);
    ways.way(server);
    assert.deepEqual(held.sort(), [VIP, '192.0.2.0/28'].sort());
  });

  it('fails when the checks have ended, and when the director has', async () => {
    ways[Symbol.dispose]();
    assert.match((await run(80)).message, /the checks have ended/);
    const closed = Director.offline({ source: '10.2.0.2' });
    const service = closed.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    const server = service.addRealServer({ address: '10.3.0.11' });
    await closed.close();
    const finding = await runCheck(new PinnedWays(closed), { check: tcpCheck(), server, via: 'vip', timeoutMs: 100 });
    assert.deepEqual([finding.passed, finding.reason], [false, 'failed']);
  });
});
