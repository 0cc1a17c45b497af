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
const TOA_PORT = 7002;

/** Answers each line with itself, and says of each packet with a payload whom its TCP option names. */
const TOA_SERVER = `
import socket, struct, sys, threading
address, port = sys.argv[1], int(sys.argv[2])
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
listener = socket.create_server((address, port))
def serve(connection):
    while data := connection.recv(1000): connection.sendall(data)
def accept():
    while True: threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
print('listening', flush=True)
while True:
    packet, where = sniffer.recvfrom(2000)
    if where[2] != socket.PACKET_HOST or packet[9] != 6: continue
    tcp = packet[(packet[0] & 15) * 4:struct.unpack('!H', packet[2:4])[0]]
    if struct.unpack('!H', tcp[2:4])[0] != port: continue
    header = (tcp[12] >> 4) * 4
    options, told = tcp[20:header], 'nobody'
    while options and options[0] != 0:
        if options[0] == 1: options = options[1:]; continue
        if options[0] == 254: told = '%s:%d' % (socket.inet_ntoa(options[4:8]), struct.unpack('!H', options[2:4])[0])
        options = options[options[1]:]
    if tcp[header:]: print(tcp[header:].decode().strip(), 'of', told, flush=True)
`;

/** Says each line that it reads, and prints what is answered. */
const TOA_CLIENT = `
import socket, sys
client = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
print('%s:%d' % client.getsockname()[:2], flush=True)
for line in sys.stdin:
    client.sendall(line.encode())
    print('answered', client.recv(1000).decode().strip(), flush=True)
`;

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
      for (const line of starts) assert.match(line, / connections? taken over/);
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
    for (const line of await replaceAndKill(kept)) assert.match(line, / connections? taken over/);
    assert.equal(isOver.value, false, 'the connections have ended before');
    const results = [...(await long).flat(), ...(await short)];
    say(`${results.length} connections`);
    for (const { peer, from, to, own, isIntact } of results) {
      assert.deepEqual({ from, to, isIntact }, { from: own, to: [address, port], isIntact: true });
      assert.ok(isNatSource(peer), peer);
    }
  });
});

describeLab('full NAT with a TCP option through tunvs run --state', function () {
  this.timeout(60_000 + ROUNDS * 10_000);
  const port = PORT + 2;
  let folder: string;
  let stage: NatStage;
  let kept: KeptDaemon;

  before(async () => {
    folder = mkdtempSync('/dev/shm/tunvs-state-toa-');
    ({ stage, kept } = await open('snat', folder, port, TOA_PORT, ', clientAddress: toa'));
    await kept.start();
  });

  after(async () => {
    await kept?.daemon?.stop('SIGTERM');
    await stage?.close();
    rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
  });

  it('tells the client until the server has answered, whichever director that is', async () => {
    const servers = stage.servers.map(({ host, address }) =>
      host.spawn(['python3', '-c', TOA_SERVER, address, `${TOA_PORT}`]),
    );
    for (const server of servers) await server.line((line) => line === 'listening');
    const client = stage.client.spawn(['python3', '-c', TOA_CLIENT, stage.virtualAddress, `${port}`]);
    const own = await client.line((line) => line.includes(':'));
    for (const [word, told] of [
      ['first', own],
      ['second', 'nobody'],
    ]) {
      for (const line of await replaceAndKill(kept)) assert.match(line, / connections? taken over/);
      client.writeLine(word as string);
      await client.line((line) => line === `answered ${word}`);
      await Promise.any(servers.map((server) => server.line((line) => line.startsWith(`${word} `), 5000)));
      const seen = servers.flatMap(({ lines }) => lines).filter((line) => line.startsWith(`${word} `));
      assert.deepEqual(new Set(seen), new Set([`${word} of ${told}`]));
    }
  });
});
