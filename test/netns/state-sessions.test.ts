/** Connections of which a director knows more than their entries go on as well when it is replaced, or killed. */
import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ftpProblem, ftpSession, startFtpServer } from '../support/ftp.js';
import { KeptDaemon } from '../support/kept-daemon.js';
import { describeLab, PORT } from '../support/lab.js';
import { isNatSource, type NatMethod, NatStage } from '../support/nat-stage.js';
import { askProxyServer, startProxyServer } from '../support/proxy-server.js';

const ROUNDS = Number(process.env.TUNVS_ROUNDS ?? 2);
const PAUSE_MS = 400;
const BYTES = 3_000_000;
const FTP_PORT = 2121;
const PROXY_PORT = 7001;

const say = (text: string) => process.env.TUNVS_ROUNDS !== undefined && console.log(`      ${text}`);

/** Another takes its place, and it is killed and started again, `ROUNDS` times each. Returns what was said. */
async function replaceAndKill(kept: KeptDaemon): Promise<string[]> {
  const said: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(PAUSE_MS);
    said.push(await kept.start('--takeover'));
    await sleep(PAUSE_MS);
    await kept.daemon.stop('SIGKILL');
    await sleep(PAUSE_MS);
    said.push(await kept.start());
  }
  return said;
}

/** Opens a stage with one more service, and a daemon for it. */
async function open(method: NatMethod, folder: string, port: number, serverPort: number, more = '') {
  const stage = await NatStage.open({ method });
  await stage.director.setSysctls({ 'net/ipv4/ip_forward': '1' });
  const servers = stage.servers.map(
    ({ address }) => `{ address: ${address}, port: ${serverPort}, forwarding: ${method}${more} }`,
  );
  const service = `{ listen: "tcp ${stage.virtualAddress}:${port}", scheduler: rr, servers: [${servers}] }`;
  return { stage, kept: new KeptDaemon(stage, method, folder, [service]) };
}

const digestOf = (data: Buffer) => createHash('sha256').update(data).digest('hex');

for (const method of ['nat', 'snat'] as const)
  describeLab(`FTP by ${method} through tunvs run --state`, function () {
    this.timeout(60_000 + ROUNDS * 10_000);
    let folder: string;
    let shown: string;
    let stage: NatStage;
    let kept: KeptDaemon;

    before(async function () {
      const problem = ftpProblem();
      if (problem !== undefined) {
        console.log(`      skipped: ${problem}`);
        this.skip();
      }
      folder = mkdtempSync('/dev/shm/tunvs-state-ftp-');
      shown = mkdtempSync(join(tmpdir(), 'tunvs-ftp-'));
      // vsftpd shows guests what everybody may read.
      chmodSync(shown, 0o755);
      mkdirSync(join(shown, 'in'));
      ({ stage, kept } = await open(method, folder, 21, FTP_PORT));
      for (const { host, address } of stage.servers) await startFtpServer(host, address, FTP_PORT, shown);
      await kept.start();
    });

    after(async () => {
      await kept?.daemon?.stop('SIGTERM');
      await stage?.close();
      for (const each of [folder, shown])
        if (each !== undefined) rmSync(each, { recursive: true, maxRetries: 20, retryDelay: 100 });
    });

    it('goes on with sessions and transfers, whose numbers and bytes are right', async () => {
      const data = randomBytes(BYTES);
      writeFileSync(join(shown, 'large'), data);
      const until = join(folder, 'until');
      const modes = method === 'nat' ? (['passive', 'passive', 'active'] as const) : (['passive', 'passive'] as const);
      const sessions = Promise.all(
        modes.map(async (mode, number) => {
          const put = { name: `put${number}-`, bytes: BYTES };
          const request = { mode, isExtended: number === 1, until, file: 'large', put, rounds: 0 };
          return { ...(await ftpSession(stage.client, { address: stage.virtualAddress, ...request })), name: put.name };
        }),
      );
      const starts = await Promise.race([replaceAndKill(kept), sessions.then(() => ['the sessions ended before'])]);
      for (const line of starts) assert.match(line, / connections taken over/);
      await sleep(PAUSE_MS);
      writeFileSync(until, '');
      for (const { got, put, said, name } of await sessions) {
        say(`${got.length} rounds with the data of ${said.length} connections`);
        assert.ok(got.length > 2 * ROUNDS, `${got.length} rounds`);
        assert.deepEqual(new Set(got), new Set([digestOf(data)]));
        for (const [round, digest] of put.entries())
          assert.equal(digestOf(readFileSync(join(shown, 'in', `${name}${round}`))), digest);
      }
    });
  });

describeLab('full NAT with PROXY headers through tunvs run --state', function () {
  this.timeout(60_000 + ROUNDS * 10_000);
  const port = PORT + 1;
  let folder: string;
  let stage: NatStage;
  let kept: KeptDaemon;

  before(async () => {
    folder = mkdtempSync('/dev/shm/tunvs-state-proxy-');
    ({ stage, kept } = await open('snat', folder, port, PROXY_PORT, ', clientAddress: proxy'));
    for (const { host, address } of stage.servers) await startProxyServer(host, address, PROXY_PORT);
    await kept.start();
  });

  after(async () => {
    await kept?.daemon?.stop('SIGTERM');
    await stage?.close();
    rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
  });

  it('goes on with connections in which much or nothing was said', async () => {
    // Each is under way for long enough that all of it happens meanwhile.
    const pieces = 40 + 16 * ROUNDS;
    const address = stage.virtualAddress;
    const isOver = { value: false };
    const long = Promise.all(
      [...Array(6).keys()].map(() =>
        askProxyServer(stage.client, { address, port, connections: 1, bytes: 2_000_000, pieces }),
      ),
    ).finally(() => {
      isOver.value = true;
    });
    // These say their first bytes at any time, and others begin.
    const short = (async () => {
      const results = [];
      while (!isOver.value)
        results.push(...(await askProxyServer(stage.client, { address, port, connections: 3, bytes: 2, pieces: 2 })));
      return results;
    })();
    for (const line of await replaceAndKill(kept)) assert.match(line, / connections taken over/);
    assert.equal(isOver.value, false, 'the connections have ended before');
    const results = [...(await long).flat(), ...(await short)];
    say(`${results.length} connections`);
    for (const { peer, from, to, own, isIntact } of results) {
      assert.deepEqual({ from, to, isIntact }, { from: own, to: [address, port], isIntact: true });
      assert.ok(isNatSource(peer), peer);
    }
  });
});
