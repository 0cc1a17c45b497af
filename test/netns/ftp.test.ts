/** FTP against vsftpd through a director with NAT and full NAT: each data connection goes where the control one does. */
import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { ftpProblem, type FtpRequest, ftpSession, startFtpServer } from '../support/ftp.js';
import { hasProgram } from '../support/has-program.js';
import { describeLab } from '../support/lab.js';
import { NatStage } from '../support/nat-stage.js';

const SERVICE_PORT = 21;
const SERVER_PORT = 2121;
const LARGE_BYTES = 10_000_000;
const FILE = 'large';

const digestOf = (data: Buffer) => createHash('sha256').update(data).digest('hex');

for (const method of ['nat', 'snat'] as const)
  describeLab(`FTP through a director with ${method}`, () => {
    let stage: NatStage;
    let director: DirectorAgent;
    let folder: string;
    let digest: string;
    let count = 0;

    before(async function () {
      const problem = ftpProblem();
      if (problem !== undefined) {
        console.log(`      skipped: ${problem}`);
        this.skip();
      }
      folder = await mkdtemp(join(tmpdir(), 'tunvs-ftp-'));
      // vsftpd shows guests what everybody may read.
      await chmod(folder, 0o755);
      const data = randomBytes(LARGE_BYTES);
      digest = digestOf(data);
      await writeFile(join(folder, FILE), data);
      await mkdir(join(folder, 'in'));
      stage = await NatStage.open({ method });
      director = await DirectorAgent.open(stage.director, { ...stage.addresses, device: { queues: 2 } });
      for (const { host, address, address6 } of stage.servers)
        for (const own of [address, address6]) await startFtpServer(host, own, SERVER_PORT, folder);
      for (const family of [4, 6] as const) {
        const servers = stage.natServers(family, SERVER_PORT);
        await addService(director, { address: stage.virtual(family), port: SERVICE_PORT, scheduler: 'rr', servers });
      }
    });

    after(async () => {
      await director?.close();
      await stage?.close();
      if (folder !== undefined) await rm(folder, { recursive: true });
    });

    async function exchange(family: 4 | 6, more: Pick<FtpRequest, 'mode' | 'isExtended' | 'rounds'>) {
      const put = { name: `put${count++}-`, bytes: LARGE_BYTES };
      const result = await ftpSession(stage.client, { address: stage.virtual(family), file: FILE, put, ...more });
      assert.deepEqual(new Set(result.got), new Set([digest]));
      for (const [round, sent] of result.put.entries())
        assert.equal(digestOf(await readFile(join(folder, 'in', `${put.name}${round}`))), sent);
      return result;
    }

    const modes = method === 'nat' ? (['passive', 'active'] as const) : (['passive'] as const);
    for (const mode of modes)
      for (const [family, isExtended] of [
        [4, false],
        [4, true],
        [6, true],
      ] as const) {
        const said = mode === 'passive' ? (isExtended ? '229' : '227') : isExtended ? 'EPRT' : 'PORT';
        it(`carries 10 MB each way over IPv${family} several times in one ${mode} session, by ${said}`, async () => {
          for (let session = 0; session < 3; session++) {
            const result = await exchange(family, { mode, isExtended: isExtended && family === 4, rounds: 3 });
            const told = result.said.filter((line) => line.startsWith(said));
            assert.ok(told.length >= 9, JSON.stringify(result.said));
            if (said === '227') {
              const vip = stage.virtualAddress.replaceAll('.', ',');
              assert.ok(
                told.every((line) => line.includes(`(${vip},`)),
                JSON.stringify(told),
              );
            }
          }
        });
      }

    it('ends data connections with their sessions, and leaves none that is expected', async () => {
      const open = await director.run(async (d) => {
        const states: string[] = [];
        for await (const { state } of d.connections({ protocol: 'tcp' })) states.push(state);
        return states.filter((state) => state !== 'TIME_WAIT' && state !== 'CLOSE');
      });
      assert.deepEqual(open, []);
    });

    for (const mode of modes)
      for (const family of [4, 6] as const)
        it(`serves curl in ${mode} mode over IPv${family}`, async function () {
          if (!hasProgram('curl')) {
            console.log('      skipped: curl is missing; install it with: apt-get install curl');
            this.skip();
          }
          const address = family === 4 ? stage.virtual(4) : `[${stage.virtual(6)}]`;
          const active = mode === 'active' ? ['--ftp-port', '-'] : [];
          const to = join(folder, `curl-${mode}${family}`);
          // It asks for EPSV and EPRT first, and for two files in one session.
          const url = `ftp://${address}/${FILE}`;
          const argv = ['curl', '--globoff', '-sS', '--max-time', '30', ...active, url, '-o', to, url, '-o', `${to}-2`];
          await stage.client.exec(argv);
          for (const file of [to, `${to}-2`]) assert.equal(digestOf(await readFile(file)), digest);
        });

    it('serves lftp, which mirrors by several sessions at once', async function () {
      if (!hasProgram('lftp')) {
        console.log('      skipped: lftp is missing; install it with: apt-get install lftp');
        this.skip();
      }
      const to = join(folder, 'mirrored');
      const settings = 'set net:max-retries 1; set net:timeout 10; set ftp:prefer-epsv no';
      const commands = `${settings}; mirror --parallel=4 in ${to}; bye`;
      await stage.client.exec(['lftp', '-u', 'anonymous,x', '-e', commands, `ftp://${stage.virtualAddress}`]);
      const name = 'put0-0';
      assert.equal(digestOf(await readFile(join(to, name))), digestOf(await readFile(join(folder, 'in', name))));
    });

    if (method === 'snat')
      it('is passive alone: the server cannot come to the client', async () => {
        const file = { file: FILE, put: { name: 'never', bytes: 1 }, rounds: 1 };
        await assert.rejects(ftpSession(stage.client, { address: stage.virtualAddress, mode: 'active', ...file }));
      });

    it('never shows the client an address of the inner networks', async () => {
      const { all, shown } = await stage.secrets.counts();
      assert.ok(all > 1000, `${all}`);
      assert.equal(shown, 0);
    });
  });
