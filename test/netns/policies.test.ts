/** Policies on a device: JavaScript decides about new connections, and holds nobody up when it does not. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionPolicyOptions, Director, EngineEvent } from '../../lib/index.js';
import { DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

const BLOCKED_MS = 4_000;
const library = new URL('../../lib/index.js', import.meta.url).href;

type Counted = Director & { events: EngineEvent[] };

interface Given {
  library: string;
  address: string;
  port: number;
  servers: string[];
  /** The body of `decide(connection)`. */
  decide: string;
  options: ConnectionPolicyOptions;
}

/** The service has a connection policy, and rr where that does not decide. */
function serve(director: DirectorAgent, given: Given): Promise<void> {
  return director.run(async (d, { library, address, port, servers, decide, options }: Given) => {
    const { connectionPolicy } = (await import(library)) as typeof import('../../lib/index.js');
    const events: EngineEvent[] = [];
    (d as Counted).events = events;
    d.on('event', (event) => events.push(event));
    const policy = connectionPolicy(new Function('connection', decide) as never, options);
    const web = d.addVirtualService({ protocol: 'tcp', address, port, scheduler: 'rr', policy });
    d.transaction(() => {
      for (const server of servers) web.addRealServer({ address: server });
    });
  }, given);
}

function counters(director: DirectorAgent): Promise<Record<string, number>> {
  return director.run((d) => {
    const counted = Object.entries(d.virtualServices[0]?.policy?.counters ?? {});
    return Object.fromEntries(counted.map(([name, count]) => [name, Number(count)]));
  });
}

describeLab('a connection policy on a device', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open();
  });

  beforeEach(async () => {
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress });
  });

  afterEach(async () => {
    await director?.close();
  });

  after(async () => {
    await stage?.close();
  });

  const given = (decide: string, options: ConnectionPolicyOptions = {}): Given => ({
    library,
    address: stage.virtualAddress,
    port: PORT,
    servers: stage.servers.map(({ address }) => address),
    decide,
    options,
  });

  it('sends every new connection where the function says', async () => {
    await serve(director, given('return connection.servers[1]', { deadlineMs: 10_000 }));
    const { servers, failures } = await stage.fetchMany({ requests: 40, concurrency: 10 });
    assert.deepEqual([servers, failures], [{ rs2: 40 }, []]);
    const { asked, answered, late, failed, overflow } = await counters(director);
    assert.deepEqual([late, failed, overflow], [0, 0, 0]);
    assert.ok((answered ?? 0) >= 40 && asked === answered);
  });

  it('leaves new connections to the scheduler while the event loop is blocked, and established ones alone', async () => {
    await serve(director, given('return 0'));
    const { server } = await stage.fetch({ connection: 'established' });
    assert.equal(server, 'rs1');
    let isBlocked = true;
    const blocked = director.block(BLOCKED_MS).then(() => {
      isBlocked = false;
    });
    let roundsWhileBlocked = 0;
    while (isBlocked) {
      const established = await stage.fetch({ connection: 'established', timeoutMs: 4_000 });
      const fresh = await stage.fetchMany({ requests: 6, concurrency: 3, timeoutMs: 4_000 });
      assert.equal(established.server, 'rs1');
      assert.deepEqual(fresh.failures, []);
      if (isBlocked) roundsWhileBlocked += 1;
      await sleep(50);
    }
    await blocked;
    assert.ok(roundsWhileBlocked > 0, 'no round ended while the event loop was blocked');
    const { asked = 0, answered = 0, late = 0, failed = 0, overflow = 0, dropped } = await counters(director);
    assert.ok(late >= 6 * roundsWhileBlocked, `${late} were late in ${roundsWhileBlocked} rounds`);
    assert.equal(asked, answered + late + failed + overflow);
    assert.equal(dropped, 0);
  });

  it('that throws is told of once, and costs no connection', async () => {
    await serve(director, given('throw new Error("no idea")', { deadlineMs: 10_000 }));
    const { servers, failures } = await stage.fetchMany({ requests: 30, concurrency: 10 });
    assert.deepEqual([servers, failures], [{ rs1: 10, rs2: 10, rs3: 10 }, []]);
    const told = await director.run((d) => (d as Counted).events.map(({ type, message }) => `${type} ${message}`));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /^policyFailed .*no idea$/);
    assert.ok(((await counters(director)).failed ?? 0) >= 30);
  });
});
