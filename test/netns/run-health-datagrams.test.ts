/** `tunvs run` finds a UDP server that answers from another address than was asked, which clients do not take. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabProcess, PORT, program, TestStage, type TestServer } from '../support/lab.js';
import { Operated } from '../support/operated.js';

/** A socket that is bound to any address answers from the one of the interface. */
const FROM_ANY = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (message, { port, address }) => socket.send(message, port, address));
  socket.bind(${PORT}, () => console.log('bound'));`;

describeLab('tunvs run with a UDP server that answers from the wrong address', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let daemon: LabProcess;

  before(async () => {
    stage = await TestStage.open({ realServers: 2, forwarding: 'gue' });
    operated = new Operated(stage.director);
    const servers = stage.servers.map(({ address }) => ({ address, forwarding: 'gue', tunnelPort: 6080 }));
    const services = [{ listen: `udp ${stage.virtualAddress}:${PORT}`, scheduler: 'rr', servers }];
    const check = { udp: { payload: 'hello', requireReply: true } };
    const health = { check, interval: '200ms', timeout: '300ms', retries: 0, rise: 1, fall: 3 };
    const text = JSON.stringify({ source: stage.topology.directorAddress, health, services });
    daemon = await operated.start(['--config', operated.write('tunvs.json', text)]);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  const become = (wanted: readonly string[]) =>
    eventually(
      async () => (await operated.health())[0]?.servers ?? [],
      (seen) => seen.map(({ state }) => state).join() === wanted.join(),
      `the states are ${wanted}`,
    );

  /** Asserts that new clients are answered by these alone. */
  async function answeredBy(names: readonly string[]): Promise<void> {
    const { failures, servers } = await stage.udp({ sockets: 6, datagrams: 1 });
    assert.deepEqual([failures, [...new Set(servers)].sort()], [[], names]);
  }

  it('is named with its mend, on the screen and in the log; clients go elsewhere, and come back', async () => {
    const [server, other] = stage.servers as [TestServer, TestServer];
    await become(['up', 'up']);
    await answeredBy([server.name, other.name]);

    await server.web.process.stop();
    const echo = server.host.spawn([process.execPath, '-e', FROM_ANY]);
    await echo.line((line) => line === 'bound');
    await become(['down', 'up']);
    await answeredBy([other.name]);

    const named = `the answer came from ${server.address} in place of ${stage.virtualAddress}`;
    await eventually(
      async () => (await operated.tunvs('health')).stdout.replaceAll(/\s+/g, ' '),
      (screen) => screen.includes(named) && screen.includes(`bind its socket to ${stage.virtualAddress}`),
      'the screen names it',
    );
    const news = `real server ${server.address}:${PORT} of udp ${stage.virtualAddress}:${PORT} is `;
    const said = () => `${daemon.stderr}\n${daemon.lines.join('\n')}`;
    assert.ok(said().includes(`${news}down, `), said());

    await echo.stop();
    server.web = await Agent.connect(server.host.node(program('web-server'), [server.name, `${PORT}`]));
    await server.web.call('bindUdp', { address: stage.virtualAddress });
    await become(['up', 'up']);
    await answeredBy([server.name, other.name]);
    assert.ok(said().includes(`${news}up`), said());
  });
});
