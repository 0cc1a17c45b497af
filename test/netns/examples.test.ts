/** The examples that open a device. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, TestStage } from '../support/lab.js';

const MAIN = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
const example = (name: string) => new URL(`../../examples/${name}.js`, import.meta.url);

describeLab('the examples', () => {
  let stage: TestStage;

  before(async () => {
    stage = await TestStage.open();
  });

  after(async () => {
    await stage?.close();
  });

  it('embed-director balances by weight, says what it does, and ends on SIGTERM', async () => {
    const servers = stage.servers.slice(0, 2).map(({ address }) => address);
    const program = stage.director.node(example('embed-director'), [
      stage.topology.directorAddress,
      stage.virtualAddress,
      ...servers,
    ]);
    await program.line((line) => line.startsWith('directing '));
    const { servers: answered, failures } = await stage.fetchMany({ requests: 30, concurrency: 10 });
    assert.deepEqual([answered, failures], [{ rs1: 10, rs2: 20 }, []]);
    await program.line((line) => line.startsWith(`${servers[0]}: `));
    assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null }, program.stderr);
  });

  it('embed-control has its control socket, its metrics, and reads its file again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-embed-'));
    try {
      const file = join(folder, 'shop.yaml');
      const write = (servers: string) =>
        writeFileSync(
          file,
          `source: ${stage.topology.directorAddress}\n` +
            `services: [{ listen: "tcp ${stage.virtualAddress}:80", scheduler: rr, servers: [${servers}] }]\n`,
        );
      const [first, second] = stage.servers.map(({ address }) => address);
      write(`${first}`);
      const env = ['env', `TUNVS_RUNTIME_DIR=${folder}/run`];
      const program = stage.director.spawn([
        ...env,
        process.execPath,
        fileURLToPath(example('embed-control')),
        file,
        '0',
      ]);
      await program.line((line) => line.startsWith('directing on '));
      write(`${first}, ${second}`);
      const tunvs = (...words: string[]) => stage.director.exec([...env, process.execPath, MAIN, ...words]);
      const { stdout: plan } = await tunvs('reload', '--name', 'shop', '--dry-run');
      assert.match(plan, /^1 change would be made\n.*server \S+ is added\n$/);
      await tunvs('reload', '--name', 'shop');
      const { servers: answered, failures } = await stage.fetchMany({ requests: 10, concurrency: 5 });
      assert.deepEqual([answered, failures], [{ rs1: 5, rs2: 5 }, []]);
      const { stdout: shown } = await tunvs('config', 'show', '--name', 'shop');
      assert.match(shown, /^services\[0\]\.servers\[1\]\.address: "\S+" {2}# \S+shop\.yaml:2$/m);
      const port = await program.line((line) => line.startsWith('metrics on '));
      const read = `fetch('${port.replace('metrics on ', '')}').then((r) => r.text()).then((text) => console.log(text))`;
      const { stdout: metrics } = await stage.director.exec([process.execPath, '-e', read]);
      assert.match(metrics, /^tunvs_service_connections_total\{.*\} 10$/m);
      assert.match(metrics, /^process_cpu_seconds_total /m);
      write('nonsense');
      program.kill('SIGHUP');
      await eventuallyHolds(async () => assert.match(program.stderr, /^nothing changes: .*shop\.yaml:2:/m));
      assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null }, program.stderr);
    } finally {
      rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
    }
  });

  it("metrics answers with every real server's counts", async () => {
    const servers = stage.servers.map(({ address }) => address);
    const program = stage.director.node(example('metrics'), [
      stage.topology.directorAddress,
      stage.virtualAddress,
      ...servers,
    ]);
    await program.line((line) => line.startsWith('metrics on '));
    const { failures } = await stage.fetchMany({ requests: 30, concurrency: 10 });
    assert.deepEqual(failures, []);
    const read = `fetch('http://127.0.0.1:9100/metrics').then((r) => r.text()).then((text) => console.log(text))`;
    const { stdout } = await stage.director.exec([process.execPath, '-e', read]);
    const total = [...stdout.matchAll(/^tunvs_server_connections_total\{.*\} (\d+)$/gm)].map(([, count]) =>
      Number(count),
    );
    assert.equal(total.length, 3);
    assert.equal(
      total.reduce((sum, count) => sum + count, 0),
      30,
    );
    assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null }, program.stderr);
  });

  it('least-latency gives a real server that does not answer no weight, and it back when it does', async () => {
    const [first, second] = stage.servers.map(({ address }) => address) as [string, string];
    const program = stage.director.node(example('least-latency'), [
      stage.topology.directorAddress,
      stage.virtualAddress,
      first,
      second,
    ]);
    await program.line((line) => line.startsWith('directing '));
    const isUp = (line: string) => line.startsWith('weights: ') && !line.includes(`${first} 0`);
    await program.line(isUp);
    stage.director.ip([`route add unreachable ${first}/32`]);
    await program.line((line) => line.startsWith('weights: ') && line.includes(`${first} 0`));
    const { servers, failures } = await stage.fetchMany({ requests: 10, concurrency: 5 });
    assert.deepEqual([servers, failures], [{ rs2: 10 }, []]);
    stage.director.ip([`route del unreachable ${first}/32`]);
    for (let back = 0; back === 0; ) {
      const fetched = await stage.fetchMany({ requests: 4, concurrency: 2 });
      back = fetched.servers.rs1 ?? 0;
    }
    assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null }, program.stderr);
  });

  it('embed-health takes a real server out of service that answers nothing, and back, and ends on SIGTERM', async () => {
    const [first, second] = stage.servers.map(({ address }) => address) as [string, string];
    const program = stage.director.node(example('embed-health'), [
      stage.topology.directorAddress,
      stage.virtualAddress,
      first,
      second,
    ]);
    await program.line((line) => line === 'the service is up' || line.startsWith(`${first} is up: `));
    stage.director.ip([`route add unreachable ${first}/32`]);
    await program.line((line) => line.startsWith(`${first} is down: `));
    const { servers, failures } = await stage.fetchMany({ requests: 10, concurrency: 5 });
    assert.deepEqual([servers, failures], [{ rs2: 10 }, []]);
    stage.director.ip([`route del unreachable ${first}/32`]);
    await program.line((line) => line.startsWith(`${first} is up: `));
    assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null }, program.stderr);
  });
});
