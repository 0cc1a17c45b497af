import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain } from '../../lib/cli/verbs/explain.js';
import { cli } from '../support/cli.js';
import { tcp } from '../support/packets.js';
import { LINKTYPE_ETHERNET, writePcap } from '../support/pcap.js';

const RULES = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11 -i
-a -t 192.0.2.1:80 -r 10.0.0.12 -i
@1 -e -t 192.0.2.1:80 -r 10.0.0.12 -i -w 0
`;
const at = (seconds: number, port: number, flags: string) => ({
  atUs: 1_767_225_600_000_000 + seconds * 1e6,
  data: tcp({ from: `172.16.0.1:${port}`, to: '192.0.2.1:80', flags }),
});

describe('tunvs explain', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-explain-'));
    writeFileSync(join(folder, 'rules'), RULES);
    writePcap(join(folder, 'in.pcap'), [at(0, 1024, 'S'), at(0.5, 1024, 'A'), at(2, 1025, 'S'), at(2, 1026, 'A')]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (...args: string[]) =>
    cli(['explain', '--source', '10.2.0.2', '--rules', join(folder, 'rules'), ...args], [explain]);
  const flow = ['--client', '198.51.100.7:40000', '--virtual', '192.0.2.1:80'];
  const capture = () => ['--in', join(folder, 'in.pcap')];

  it('says where a packet would go', async () => {
    assert.deepEqual(await run(...flow), {
      exitCode: 0,
      stdout: 'To real server 10.0.0.12:80, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80.\n',
      stderr: '',
    });
  });

  it('says where it would go after a capture, and the rules that came due in it', async () => {
    const { stdout } = await run(...flow, ...capture());
    assert.match(stdout, /^To real server 10\.0\.0\.11:80, /);
    const known = await run('--client', '172.16.0.1:1024', '--virtual', '192.0.2.1:80', '--flags', 'A', ...capture());
    assert.match(known.stdout, /by its connection, which is in ESTABLISHED/);
  });

  it('says where each packet of a capture goes', async () => {
    const { stdout } = await run(...capture());
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      '1 at 0.000 s: To real server 10.0.0.12:80, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80.',
      '2 at 0.500 s: To real server 10.0.0.12:80, by its connection, which is in SYN_RECV.',
      '3 at 2.000 s: To real server 10.0.0.11:80, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80.',
      '4 at 2.000 s: Not forwarded (dropNotScheduled): it belongs to no connection and may not begin one (virtual service tcp 192.0.2.1:80).',
    ]);
  });

  it('says of a capture of both sides what each packet becomes', async () => {
    const file = join(folder, 'both.pcap');
    const rules = join(folder, 'nat.rules');
    writeFileSync(rules, '-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m\n');
    const [client, server, virtual] = ['172.16.0.1:1024', '10.0.0.11:8080', '192.0.2.1:80'];
    const packets = [
      tcp({ from: client, to: virtual, flags: 'S' }),
      tcp({ from: server, to: client, flags: 'SA' }),
      tcp({ from: client, to: virtual, flags: 'A' }),
      tcp({ from: server, to: '172.16.0.1:1025', flags: 'A' }),
      tcp({ from: '10.0.0.11:22', to: client, flags: 'A' }),
    ];
    writePcap(
      file,
      packets.map((data, index) => ({ atUs: 1_767_225_600_000_000 + index, data })),
    );
    const { stdout } = await cli(['explain', '--source', '10.2.0.2', '--rules', rules, '--in', file], [explain]);
    assert.deepEqual(
      stdout
        .replaceAll(/ at 0\.000 s/g, '')
        .trimEnd()
        .split('\n'),
      [
        '1: To real server 10.0.0.11:8080, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80. ' +
          'It leaves from 172.16.0.1:1024 to 10.0.0.11:8080.',
        '2: From real server 10.0.0.11:8080 to its client, by their connection, which is in SYN_RECV. ' +
          'It leaves from 192.0.2.1:80 to 172.16.0.1:1024.',
        '3: To real server 10.0.0.11:8080, by its connection, which is in SYN_RECV. ' +
          'It leaves from 172.16.0.1:1024 to 10.0.0.11:8080.',
        "4: Not forwarded (dropUnmatchedReply): it comes from a real server's service, and belongs to no connection; " +
          "it would show the server's address to the client.",
        '5: Forwarded (passedOn): it came with replies of real servers, is for no virtual address and none of them, ' +
          'and goes on as it is.',
      ],
    );
  });

  it('writes JSON, an object a line', async () => {
    const { stdout } = await run(...capture(), '--json');
    const said = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      said.map(({ packet, by }) => [packet, by]),
      [
        [1, 'scheduler'],
        [2, 'connection'],
        [3, 'scheduler'],
        [4, 'nothing'],
      ],
    );
    const [one] = (await run(...flow, '--json')).stdout.split('\n');
    assert.equal(JSON.parse(one ?? '').flow.clientPort, 40000);
  });

  it('numbers packets as Wireshark does: from 1, with the frames that hold no IP packet', async () => {
    const frame = (type: number, data: Uint8Array) =>
      Uint8Array.from([...new Array(12).fill(2), type >> 8, type & 0xff, ...data]);
    const stamped = (seconds: number, data: Uint8Array) => ({ atUs: (1_767_225_600 + seconds) * 1e6, data });
    const syn = (port: number) => frame(0x0800, tcp({ from: `172.16.0.1:${port}`, to: '192.0.2.1:80', flags: 'S' }));
    const arp = frame(0x0806, new Uint8Array(28));
    const file = join(folder, 'frames.pcap');
    writePcap(
      file,
      [arp, syn(1), arp, arp, syn(2), syn(3), arp].map((data, index) => stamped(index, data)),
    );
    // The frames are whole already: the link type alone is Ethernet's.
    const bytes = readFileSync(file);
    bytes.writeUInt32LE(LINKTYPE_ETHERNET, 20);
    writeFileSync(file, bytes);
    const { stdout } = await run('--in', file);
    assert.deepEqual(
      [...stdout.matchAll(/^(\d+) at /gm)].map(([, number]) => number),
      ['2', '5', '6'],
    );
  });

  for (const [args, message] of [
    [[], /--client and --virtual, or name a capture/],
    [['--client', '198.51.100.7:1'], /belong together/],
    [
      ['--client', '198.51.100.7', '--virtual', '192.0.2.1:80'],
      /--client 198\.51\.100\.7: write an address and a port/,
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      const { exitCode, stderr } = await run(...args);
      assert.equal(exitCode, 2);
      assert.match(stderr, message);
    });
  }
});
