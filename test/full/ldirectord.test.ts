/**
 * Debian's ldirectord, as it is packaged, drives a director by the name ipvsadm: the links of `tunvs install-ipvsadm`
 * lie over /usr/sbin for it, and the checks of real servers are files that the test makes and removes.
 */
import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { changeLinks, IPVSADM_NAMES, planLinks } from '../../lib/cli/ipvsadm-links.js';
import { DirectorAgent } from '../support/director-agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabProcess, TestStage } from '../support/lab.js';
import { beginAdm } from '../support/tunvsadm-agent.js';

const SERVERS = 3;
const LDIRECTORD = '/usr/sbin/ldirectord';

describeLab('ldirectord beside a director', function () {
  this.timeout(240_000);
  let folder: string;
  let stage: TestStage;
  let director: DirectorAgent;
  let ldirectord: LabProcess | undefined;
  let addresses: string[];
  const socket = () => join(folder, 'tunvs.sock');

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-ldirectord-'));
    layLinks(join(folder, 'sbin'));
    mkdirSync(join(folder, 'up'));
    writeFileSync(join(folder, 'check'), `#!/bin/sh\ntest -e ${folder}/up/$3\n`, { mode: 0o755 });
    stage = await TestStage.open({ realServers: SERVERS });
    addresses = stage.servers.map(({ address }) => address);
  });

  beforeEach(async () => {
    for (const address of addresses) setUp(address, true);
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress });
    await beginAdm(director, socket());
  });

  afterEach(async () => {
    await ldirectord?.stop();
    ldirectord = undefined;
    await director?.close();
    rmSync(socket(), { force: true });
  });

  after(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function setUp(address: string, isUp: boolean): void {
    if (isUp) writeFileSync(join(folder, 'up', address), '');
    else rmSync(join(folder, 'up', address));
  }

  function configure({ quiescent = 'no', real = addresses.slice(0, 2), weight = 1, fallback = '' }): void {
    const lines = [
      'checkinterval=1',
      'checktimeout=3',
      'autoreload=yes',
      'supervised=yes',
      `quiescent=${quiescent}`,
      `logfile="${folder}/log"`,
      `virtual=${stage.virtualAddress}:80`,
      ...real.map((address) => `\treal=${address}:80 ipip ${weight}`),
      ...(fallback === '' ? [] : [`\tfallback=${fallback}:80 ipip`]),
      '\tscheduler=wrr',
      '\tprotocol=tcp',
      '\tchecktype=external',
      `\tcheckcommand=${folder}/check`,
    ];
    writeFileSync(join(folder, 'ldirectord.cf'), `${lines.join('\n')}\n`);
  }

  function start(): void {
    const script = `mount --bind /usr/sbin ${folder}/system
      mount --bind ${folder}/sbin /usr/sbin
      exec perl ${LDIRECTORD} ${folder}/ldirectord.cf start`;
    ldirectord = stage.director.spawn(['unshare', '-m', 'sh', '-ec', script], { TUNVS_SOCKET: socket() });
  }

  /** Waits until the director holds these servers with these weights. */
  async function holds(expected: Record<string, number>): Promise<void> {
    const held = () =>
      director.run((d) =>
        d.virtualServices.flatMap((service) =>
          service.realServers.map(({ address, weight }): [string, number] => [address, weight]),
        ),
      );
    const isSo = (seen: [string, number][]) => isDeepStrictEqual(Object.fromEntries(seen), expected);
    await eventually(held, isSo, `the director holds ${JSON.stringify(expected)}`);
  }

  it('adds the service and its servers, whose traffic then flows, and removes a server that is down', async () => {
    configure({});
    start();
    const [first = '', second = ''] = addresses;
    await holds({ [first]: 1, [second]: 1 });
    const { failures, servers } = await stage.fetchMany({ requests: 20, concurrency: 5 });
    assert.deepEqual(failures, []);
    assert.equal(Object.keys(servers).length, 2);
    setUp(first, false);
    await holds({ [second]: 1 });
    setUp(first, true);
    await holds({ [first]: 1, [second]: 1 });
  });

  it('keeps a server that is down with weight 0 when it is quiescent', async () => {
    configure({ quiescent: 'yes', weight: 5 });
    start();
    const [first = '', second = ''] = addresses;
    await holds({ [first]: 5, [second]: 5 });
    setUp(first, false);
    await holds({ [first]: 0, [second]: 5 });
    setUp(first, true);
    await holds({ [first]: 5, [second]: 5 });
  });

  it('takes the fallback when all servers are down', async () => {
    const [first = '', second = '', third = ''] = addresses;
    configure({ fallback: third });
    start();
    await holds({ [first]: 1, [second]: 1 });
    for (const address of [first, second]) setUp(address, false);
    await holds({ [third]: 1 });
    assert.deepEqual((await stage.fetchMany({ requests: 5, concurrency: 1 })).failures, []);
    setUp(second, true);
    await holds({ [second]: 1 });
  });

  it('changes weights and servers when its file changes, and removes the service when it ends', async () => {
    const [first = '', second = '', third = ''] = addresses;
    configure({});
    start();
    await holds({ [first]: 1, [second]: 1 });
    // ldirectord compares its file with the one that it finds behind its first round of checks.
    setUp(first, false);
    await holds({ [second]: 1 });
    configure({ real: [second, third], weight: 7 });
    await holds({ [second]: 7, [third]: 7 });
    await ldirectord?.stop();
    ldirectord = undefined;
    await holds({});
  });

  /** Every program of /usr/sbin, with our links in the place of ipvsadm's. */
  function layLinks(sbin: string): void {
    const system = join(folder, 'system');
    mkdirSync(system);
    mkdirSync(sbin);
    const ours: readonly string[] = IPVSADM_NAMES;
    for (const name of readdirSync('/usr/sbin')) {
      if (!ours.includes(name)) symlinkSync(join(system, name), join(sbin, name));
    }
    changeLinks(planLinks(sbin, {}));
  }
});
