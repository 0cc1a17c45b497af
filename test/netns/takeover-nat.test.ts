/** A takeover of a director with servers by NAT: what clients would notice of that alone. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeptDaemon } from '../support/kept-daemon.js';
import { describeLab, PORT } from '../support/lab.js';
import { NatStage } from '../support/nat-stage.js';

const TAKEOVERS = 3;

/** Sends datagrams that fill the path and must not be cut, until a line comes; says how many were refused as too long. */
const FULL_SIZE = `
import errno, select, socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
client.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
client.connect((sys.argv[1], int(sys.argv[2])))
sent, refused, answered = 0, 0, 0
print('begins', flush=True)
while True:
    ready, _, _ = select.select([sys.stdin, client], [], [], 0.002)
    if sys.stdin in ready: break
    try:
        # The echo puts a name in front, which would make it too long for the way back.
        if client in ready: client.recv(2000); answered += 1; continue
        client.send(b'x' * 1472); sent += 1
    except OSError as error:
        if error.errno == errno.EMSGSIZE: refused += 1
print(f'{sent} sent, {refused} refused', flush=True)
`;

for (const method of ['nat', 'snat'] as const)
  describeLab(`a takeover with servers by ${method}`, () => {
    let folder: string;
    let stage: NatStage;
    let kept: KeptDaemon;

    before(async () => {
      folder = mkdtempSync('/dev/shm/tunvs-takeover-nat-');
      stage = await NatStage.open({ method });
      kept = new KeptDaemon(stage, method, folder);
      await kept.start();
    });

    after(async () => {
      await kept?.daemon?.stop('SIGTERM');
      await stage?.close();
      rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
    });

    it('leaves the device as wide as it is, and refuses no packet that fills the path', async () => {
      const links = stage.director.spawn(['ip', 'monitor', 'link']);
      const client = stage.client.spawn(['python3', '-c', FULL_SIZE, stage.virtualAddress, `${PORT}`]);
      await client.line((line) => line === 'begins');
      for (let count = 0; count < TAKEOVERS; count++) {
        const before = kept.daemon;
        await kept.start('--takeover');
        await before.exited;
        await sleep(100);
      }
      client.writeLine('');
      const said = await client.line((line) => line.includes(' refused'));
      await links.stop('SIGTERM');
      const widths = links.lines.flatMap((line) => / tunvs0: .* mtu (\d+) /.exec(line)?.[1] ?? []);
      assert.ok(widths.length > 0);
      assert.deepEqual(new Set(widths), new Set(['1500']));
      assert.match(said, /^\d{3,} sent, 0 refused$/);
    });
  });
