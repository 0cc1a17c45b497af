/** Firewall marks that the host's nftables set, each with a device and a service of its own behind one address. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import {
  DirectorCommand,
  describeLab,
  hostState,
  PORT,
  program,
  TestStage,
  type TestStageOptions,
} from '../support/lab.js';
import { markInPrerouting, nftProblem } from '../support/nft.js';

/** The client address whose packets get mark 2; those of the other addresses get mark 1. */
const GUEST = '10.1.0.66';
const GUEST6 = '2001:db8:1::66';
const MARKS = ['meta mark set 1', `ip saddr 10.1.0.64/26 meta mark set 2`, `ip6 saddr ${GUEST6} meta mark set 2`];

const problem = nftProblem();
const describeMarks: typeof describeLab = (title, body) =>
  problem === undefined ? describeLab(title, body) : describe.skip(`${title} (skipped: ${problem})`, body);

async function openStage(marks: readonly string[], options: TestStageOptions = {}): Promise<TestStage> {
  const stage = await TestStage.open({ ipv6: true, realServers: 2, ...options });
  stage.client.ip([`address add ${GUEST}/32 dev eth0`, `address add ${GUEST6}/128 dev eth0 nodad`]);
  await markInPrerouting(stage.director, marks);
  return stage;
}

/** Returns who answers each of the client's addresses. */
async function served(stage: TestStage, localAddresses: readonly string[]): Promise<Record<string, number>[]> {
  const { virtualAddress, virtualAddress6 } = stage.topology;
  const answers: Record<string, number>[] = [];
  for (const localAddress of localAddresses) {
    const address = localAddress.includes(':') ? virtualAddress6 : virtualAddress;
    const { failures, servers } = await stage.fetchMany({ address, localAddress, requests: 10, concurrency: 5 });
    assert.deepEqual(failures, []);
    answers.push(servers);
  }
  return answers;
}

const settings = [
  { egress: 'packet', rpFilter: 1 },
  { egress: 'raw', rpFilter: 0 },
  // A packet written to the device gets mark 1 as well when it comes out.
  { egress: 'tun', rpFilter: 2 },
  { egress: 'tun', rpFilter: 0 },
] as const;

for (const { egress, rpFilter } of settings) {
  describeMarks(`marks from nftables, egress "${egress}", rp_filter ${rpFilter}`, () => {
    let stage: TestStage;
    let director: DirectorAgent;
    let untouched: string;

    before(async () => {
      stage = await openStage(MARKS, { rpFilter });
      untouched = await hostState(stage.director);
      const { directorAddress, directorAddress6 } = stage.topology;
      director = await DirectorAgent.open(stage.director, {
        source: [directorAddress, directorAddress6],
        egress,
        device: { queues: 1 },
        markDevices: [
          { mark: 1, queues: 2 },
          { mark: 2, name: 'guests' },
        ],
      });
      await director.run(
        (d, servers: { address: string; address6: string }[]) => {
          for (const [index, { address, address6 }] of servers.entries()) {
            d.addVirtualService({ mark: index + 1, scheduler: 'rr' }).addRealServer({ address });
            d.addVirtualService({ mark: index + 1, family: 6, scheduler: 'rr' }).addRealServer({ address: address6 });
          }
        },
        stage.servers.map(({ address, address6 }) => ({ address, address6 })),
      );
    });

    after(async () => {
      await stage?.close();
    });

    it('names the devices', async () => {
      assert.deepEqual(await director.run((d) => d.markDevices), [
        { name: 'tunvsm0', mark: 1, attached: false },
        { name: 'guests', mark: 2, attached: false },
      ]);
    });

    it("serves one address and port by each mark's own real server", async () => {
      const { clientAddress, clientAddress6 } = stage.topology;
      assert.deepEqual(await served(stage, [clientAddress, GUEST, clientAddress6, GUEST6]), [
        { rs1: 10 },
        { rs2: 10 },
        { rs1: 10 },
        { rs2: 10 },
      ]);
      assert.deepEqual(
        await director.run((d) => d.stats().services.map(({ mark, totals }) => [mark, Number(totals.connections)])),
        [
          [1, 10],
          [1, 10],
          [2, 10],
          [2, 10],
        ],
      );
    });

    it('leaves the host what is for its own addresses, marked as it is', async () => {
      const { directorAddress } = stage.topology;
      const web = await Agent.connect(stage.director.node(program('web-server'), ['own', '8080']));
      const { server } = await stage.fetch({ address: directorAddress, port: 8080 });
      assert.equal(server, 'own');
      await web.process.stop();
    });

    it("makes the director's host what it was when it closes", async () => {
      assert.match(await hostState(stage.director), /^85:.*fwmark 0x2 lookup 8401 proto 84/m);
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });
  });
}

describeMarks('marks from nftables beside a service of the address with a local node', () => {
  let stage: TestStage;

  before(async () => {
    stage = await openStage([`ip saddr 10.1.0.64/26 meta mark set 2`, `ip6 saddr ${GUEST6} meta mark set 2`], {
      topology: 'lan',
    });
    await Agent.connect(stage.director.node(program('web-server'), ['local', `${PORT}`]));
  });

  after(async () => {
    await stage?.close();
  });

  it('each goes to its own servers, the host among them, and closing restores the host', async () => {
    const untouched = await hostState(stage.director);
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    const { clientAddress, clientAddress6 } = stage.topology;
    const source = [directorAddress, directorAddress6];
    const director = await DirectorAgent.open(stage.director, { source, markDevices: [{ mark: 2 }] });
    for (const [address, own] of [
      [virtualAddress, directorAddress],
      [virtualAddress6, directorAddress6],
    ] as const) {
      await addService(director, { address, port: PORT, scheduler: 'rr', servers: [{ address: own }] });
    }
    const [, second] = stage.servers;
    assert.ok(second);
    await director.run(
      (d, [four = '', six = '', own = '', own6 = '']: string[]) => {
        const guests = d.addVirtualService({ mark: 2, scheduler: 'rr' });
        for (const address of [four, own]) guests.addRealServer({ address });
        const guests6 = d.addVirtualService({ mark: 2, family: 6, scheduler: 'rr' });
        for (const address of [six, own6]) guests6.addRealServer({ address });
      },
      [second.address, second.address6, ...source],
    );
    assert.deepEqual(await served(stage, [clientAddress, GUEST, clientAddress6, GUEST6]), [
      { local: 10 },
      { local: 5, rs2: 5 },
      { local: 10 },
      { local: 5, rs2: 5 },
    ]);
    await director.close();
    assert.equal(await hostState(stage.director), untouched);
  });
});

describeMarks('tunvs run with devices of marks', () => {
  let stage: TestStage;
  let command: DirectorCommand | undefined;

  before(async () => {
    stage = await openStage(MARKS);
  });

  after(async () => {
    await command?.stop();
    await stage?.close();
  });

  async function start(): Promise<DirectorCommand> {
    const rules = stage.servers.flatMap(({ address }, index) => [
      `-A -f ${index + 1} -s rr`,
      `-a -f ${index + 1} -r ${address}:0 -i`,
    ]);
    const source = stage.topology.directorAddress;
    command = await DirectorCommand.start(stage.director, {
      rules: `${rules.join('\n')}\n`,
      source,
      markDevices: ['1', '2=guests'],
    });
    return command;
  }

  it('killed, it leaves nothing that stops the next one, which takes all of it back', async () => {
    const rulesOf = async () => (await stage.director.exec(['ip', 'rule'])).stdout;
    const untouched = await rulesOf();
    process.env.TUNVS_GUARDIAN = 'off';
    const killed = await start();
    delete process.env.TUNVS_GUARDIAN;
    const during = await rulesOf();
    assert.match(during, /^85:.*fwmark 0x1 lookup 8400/m);
    await killed.stop('SIGKILL');
    assert.notEqual(await rulesOf(), untouched);

    const next = await start();
    assert.equal(await rulesOf(), during);
    assert.deepEqual(await served(stage, [stage.topology.clientAddress, GUEST]), [{ rs1: 10 }, { rs2: 10 }]);
    assert.deepEqual(await next.stop(), { code: 0, signal: null });
    assert.equal(await rulesOf(), untouched);
  });

  it('is refused a mark that another director has, and leaves that one as it is', async () => {
    await start();
    const source = stage.topology.directorAddress;
    const during = await hostState(stage.director);
    const options = { source, device: { name: 'tunvs1' }, markDevices: [{ mark: 9 }, { mark: 2 }] };
    await assert.rejects(DirectorAgent.open(stage.director, options), {
      message: /mark 2 is served by the director on guests: stop that director, or choose another mark/,
    });
    assert.equal(await hostState(stage.director), during);
    assert.deepEqual(await served(stage, [stage.topology.clientAddress, GUEST]), [{ rs1: 10 }, { rs2: 10 }]);
  });
});
