/** Masquerading (`-m`) in ipvsadm's commands and listings. */
import { strict as assert } from 'node:assert';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm } from '../support/adm.js';
import { tcp } from '../support/packets.js';

const WEB = '-t 192.168.50.100:80';

describe('masquerading by ipvsadm', () => {
  let director: OfflineDirector;
  let session: RulesSession;
  const call = (line: string) => callAdm(session, line);
  async function run(...lines: string[]): Promise<void> {
    for (const line of lines) assert.deepEqual([line, (await call(line)).text], [line, '']);
  }
  const rows = async (line: string) =>
    (await call(line)).out.split('\n').filter((row) => /^(?: {2}-> \d|-a|TCP 0|TCP 1)/.test(row));

  beforeEach(async () => {
    director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
    session = new RulesSession(director);
    await run(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.0.0.11:8080 -m -w 2`, `-a ${WEB} -r 10.0.0.12:80 -i`);
  });
  afterEach(() => director.close());

  it('is listed as Masq and saved as -m, with the port of its own', async () => {
    assert.deepEqual(await rows('-L -n'), [
      '  -> 10.0.0.11:8080               Masq    2      0          0         ',
      '  -> 10.0.0.12:80                 Tunnel  1      0          0         ',
    ]);
    assert.deepEqual(await rows('-S -n'), [
      `-a ${WEB} -r 10.0.0.11:8080 -m -w 2`,
      `-a ${WEB} -r 10.0.0.12:80 -i -w 1 --tun-type ipip`,
    ]);
    const saved = (await call('-S -n')).out;
    const { text } = await callAdm(session, '-R --replace', { stdin: saved });
    assert.deepEqual([text, (await call('-S -n')).out], ['', saved]);
  });

  it('is full NAT with --full-nat, which is listed, saved and restored', async () => {
    const full = new RulesSession(
      Director.offline({ source: '10.0.0.1', fullNat: { sources: '10.0.9.0/30' }, maxConnections: 1024 }),
    );
    const text = async (line: string) => (await callAdm(full, line)).text;
    for (const line of [
      `-A ${WEB} -s rr`,
      `-a ${WEB} -r 10.0.0.11:8080 -m --full-nat -w 2`,
      `-a ${WEB} -r 10.0.0.12 -m`,
    ])
      assert.equal(await text(line), '');
    assert.match((await callAdm(full, '-L -n')).out, /^ {2}-> 10\.0\.0\.11:8080 {15}FullNat 2 /m);
    const saved = (await callAdm(full, '-S -n')).out;
    assert.match(saved, /^-a -t 192\.168\.50\.100:80 -r 10\.0\.0\.11:8080 -m -w 2 --full-nat$/m);
    assert.equal((await callAdm(full, '-R --replace', { stdin: saved })).text, '');
    assert.equal((await callAdm(full, '-S -n')).out, saved);
    assert.match(await text(`-a ${WEB} -r 10.0.0.13 -i --full-nat`), /--full-nat is for masquerading only: add -m/);
    const told = '--client-address';
    assert.match(await text(`-a ${WEB} -r 10.0.0.13 -m ${told} toa`), /^--client-address is for full NAT only: add/);
    assert.match(await text(`-a ${WEB} -r 10.0.0.13 -m --full-nat ${told} no`), /write one of none, toa, proxy/);
    assert.match(await text(`-A -u 192.0.2.9:53 ${told} toa`), /'client-address' option with the 'add-service'/);
    assert.match(await text('-A -u 192.0.2.9:53 --full-nat'), /'full-nat' option with the 'add-service'/);
    assert.equal(await text(`-e ${WEB} -r 10.0.0.11:8080 -m --full-nat ${told} proxy`), '');
    assert.match(
      (await callAdm(full, '-S -n')).out,
      /^-a \S+ \S+ -r 10\.0\.0\.11:8080 -m -w 1 --full-nat --client-address proxy$/m,
    );
  });

  it('says what is missing where full NAT has no address, since ipvsadm has no words for it', async () => {
    const { err, exit } = await call(`-a ${WEB} -r 10.0.0.13 -m --full-nat`);
    assert.match(
      err,
      /^full NAT has no IPv4 address .* open the director with one in fullNat\.sources \(--nat-source /,
    );
    assert.equal(exit, 255);
  });

  it('is edited into tunnelling and back where the port is the service\u2019s', async () => {
    const method = async () => (await rows('-L -n'))[1]?.slice(34, 40);
    for (const [option, listed] of [
      ['-m', 'Masq  '],
      ['-i', 'Tunnel'],
      ['-g', 'Route '],
      ['-m', 'Masq  '],
    ] as const) {
      await run(`-e ${WEB} -r 10.0.0.12:80 ${option}`);
      assert.equal(await method(), listed);
    }
  });

  it('is no other method where the port is the server\u2019s own, since no server has that name then', async () => {
    // Without any of the three it is -g.
    for (const option of ['-i', '-g', '-w 0']) {
      const { err, exit } = await call(`-e ${WEB} -r 10.0.0.11:8080 ${option}`);
      assert.deepEqual([err, exit], ['No such destination\n', 255]);
    }
    assert.match((await rows('-L -n'))[0] ?? '', / Masq {4}2 /);
  });

  it('counts the packets of both sides, and lists states that follow both', async () => {
    const [client, server] = ['172.16.0.1:1024', '10.0.0.11:8080'];
    const packets = [
      tcp({ from: client, to: '192.168.50.100:80', flags: 'S' }),
      tcp({ from: server, to: client, flags: 'SA' }),
      tcp({ from: client, to: '192.168.50.100:80', flags: 'A' }),
      tcp({ from: server, to: client, flags: 'FA' }),
    ];
    await run(`-d ${WEB} -r 10.0.0.12:80`);
    const { verdicts } = director.process(packets, 1);
    assert.deepEqual([...verdicts], ['forwarded', 'returned', 'forwarded', 'returned']);
    assert.deepEqual(await rows('-L -n -c'), [
      'TCP 02:00  FIN_WAIT    172.16.0.1:1024    192.168.50.100:80  10.0.0.11:8080',
    ]);
    assert.deepEqual(await rows('-L -n --stats'), [
      '  -> 10.0.0.11:8080                      1        2        2       80       80',
    ]);
  });
});
