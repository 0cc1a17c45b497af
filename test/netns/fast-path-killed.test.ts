/** What a killed director's program does where the kernel keeps it: nothing, until somebody removes it. */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DirectorLab, routedLab, UPLINK } from '../../lib/lab/topology.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { eventually } from '../support/eventually.js';
import { fastPathProblem } from '../support/fast-path.js';
import { killGuardians } from '../support/guardians.js';
import { describeLab, type LabHost } from '../support/lab.js';

const DATAGRAMS = 200;
/** A program lets everything go on when its process has said nothing for so long. */
const LIFE_SECONDS = 4;

const isMost = (count: number) => count > DATAGRAMS / 2;

/** Sends datagrams of one flow, slowly enough that the director hands it over after the third. */
const SEND = `
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(('', 5353))
for _ in range(${DATAGRAMS}):
    try:
        sender.sendto(b'x' * 64, (sys.argv[1], 53))
    except OSError:
        pass
    time.sleep(0.005)
`;

describeLab('a killed director, where the kernel has filters and no links', () => {
  let lab: DirectorLab;

  before(async function () {
    if (fastPathProblem() !== undefined) this.skip();
    lab = await routedLab({ realServers: 1 });
  });

  after(async () => {
    await lab?.lab.dispose();
  });

  async function openDirector(): Promise<DirectorAgent> {
    const { director: host, directorAddress, virtualAddress, realServers } = lab;
    const before = process.env.TUNVS_TC_WAY;
    process.env.TUNVS_TC_WAY = 'filter';
    try {
      const options = { source: directorAddress, device: { queues: 1 }, fastPath: `ingress:${UPLINK}` as const };
      const director = await DirectorAgent.open(host, options);
      const servers = realServers.map(({ address }) => ({ address }));
      await addService(director, { address: virtualAddress, port: 53, protocol: 'udp', scheduler: 'rr', servers });
      return director;
    } finally {
      if (before === undefined) delete process.env.TUNVS_TC_WAY;
      else process.env.TUNVS_TC_WAY = before;
    }
  }

  /** Returns how many came to the real server. */
  async function send(): Promise<number> {
    const server = lab.realServers[0]?.host as LabHost;
    const before = await received(server);
    await lab.client.exec(['python3', '-c', SEND, lab.virtualAddress]);
    return (await received(server)) - before;
  }

  async function received(host: LabHost): Promise<number> {
    const { stdout } = await host.exec(['cat', '/proc/net/dev']);
    const fields = stdout.split('\n').find((line) => line.trim().startsWith(`${UPLINK}:`));
    return Number(fields?.split(':')[1]?.trim().split(/\s+/)[1]);
  }

  async function filters(): Promise<number> {
    const { stdout } = await lab.director.exec(['tc', 'filter', 'show', 'dev', UPLINK, 'ingress']);
    return stdout.match(/tunvs_fast_path@/g)?.length ?? 0;
  }

  const fastForwarded = (director: DirectorAgent) =>
    director.run((d) => Number(d.stats().counters.fastForwarded)) as Promise<number>;

  it('sends nothing on any more after some seconds, and is removed by the next start', async () => {
    const director = await openDirector();
    assert.ok(isMost(await send()));
    assert.ok(isMost(await fastForwarded(director)));
    assert.equal(await filters(), 1);
    await killGuardians(lab.director);
    await director.kill();
    assert.equal(await filters(), 1);
    await sleep((LIFE_SECONDS + 1) * 1000);
    assert.ok(!isMost(await send()));

    const next = await openDirector();
    assert.equal(await filters(), 1);
    assert.ok(isMost(await send()));
    assert.ok(isMost(await fastForwarded(next)));
    await next.close();
    assert.equal(await filters(), 0);
  });

  it('is removed by its guardian', async () => {
    const director = await openDirector();
    assert.equal(await filters(), 1);
    await director.kill();
    await eventually(filters, (left) => left === 0, 'the filter of the killed director is there');
  });
});
