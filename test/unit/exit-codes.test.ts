import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { cli } from '../support/cli.js';
import { tcp } from '../support/packets.js';
import { writePcap } from '../support/pcap.js';

const RULES = '-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n';
const SOURCE = '--source 10.2.0.2';
const FLOW = '--client 198.51.100.7:40000 --virtual 192.0.2.1:80';

/** 2 is for a command line that is wrong whatever the files hold; 1 for what it names and cannot be used. */
const FAILURES: [line: string, exitCode: 1 | 2, sentence: RegExp][] = [
  ['run', 2, /there is nothing to run: give --config .*, --rules with rules, --etcd with a fleet, or --source alone/],
  [`run ${SOURCE} --no-control`, 2, /nobody could fill a director without rules: leave --no-control out/],
  ['run --rules rules --config c.yaml', 2, /--config and --rules exclude each other: /],
  [`run --rules rules`, 2, /rules do not name the director's address \(DIP\): give it with --source/],
  [`run ${SOURCE} --rules rules --path-mtu 600 --path-mtu-floor 700 --dry-run`, 2, /got 700: lower it, or raise/],
  [`run ${SOURCE} --rules rules --device a-name-of-22-characters --dry-run`, 2, /--device: expected an interface name/],
  [`run ${SOURCE} --rules rules --device lo --dry-run`, 1, /'lo' exists and is not a TUN device: choose another name$/],
  [`run ${SOURCE} --rules nowhere --dry-run`, 1, /--rules nowhere: there is no such file: name a file of rules/],
  [`run ${SOURCE} --rules folder --dry-run`, 1, /--rules folder: it is a folder: name a file of rules/],
  [`run --config nowhere.yaml`, 1, /: --config nowhere.yaml: there is no such file: name a configuration$/],
  [`check nowhere.yaml`, 1, /: FILE nowhere.yaml: there is no such file: name a configuration or a file of rules$/],
  [`status --socket folder/tunvs.sock`, 1, /start one with "tunvs run", or name another with --name \(there is web\)$/],
  [`reload --socket tunvs.sock`, 1, /answers at tunvs.sock: start one with "tunvs run", or name it with --name or --/],
  [`run ${SOURCE} --rules bad --dry-run`, 1, /bad:1: -q is not an option of ipvsadm: correct it, or leave it out$/],
  [`realserver --vip 224.0.0.1 --director 10.2.0.2 --dry-run`, 2, /--vip: expected a unicast address/],
  [`realserver --vip 10.9.9.9 --director 10.2.0.2 --mode userspace --device lo --dry-run`, 1, /choose another name$/],
  ['explain', 2, /say which packet with --client and --virtual/],
  [`explain ${SOURCE} ${FLOW}`, 2, /--source is for a director with --rules/],
  [`explain --rules rules ${FLOW}`, 2, /--rules needs --source/],
  [`explain ${SOURCE} --rules rules ${FLOW} --name web`, 2, /give one/],
  [`explain ${SOURCE} --rules rules`, 2, /say which packet with --client and --virtual, or name a capture/],
  [
    `explain ${SOURCE} --rules rules --client foo --virtual 192.0.2.1:80`,
    2,
    /--client foo: write an address and a port/,
  ],
  [`explain ${SOURCE} --rules rules ${FLOW} --flags X`, 2, /--flags: expected letters/],
  [`explain ${SOURCE} --rules nowhere ${FLOW}`, 1, /--rules nowhere: there is no such file: name/],
  [`explain ${SOURCE} --rules bad ${FLOW}`, 1, /bad:1: -q is not an option/],
  [`explain ${SOURCE} --rules rules --in nowhere`, 1, /--in nowhere: there is no such file: name a capture/],
  [`explain ${SOURCE} --rules rules --in folder`, 1, /--in folder: it is a folder: name a capture/],
  [`explain ${SOURCE} --rules rules --in rules`, 1, /can't read rules: it is .*pcap/],
  [`replay ${SOURCE} --rules rules --in in.pcap`, 2, /say what to write: a capture with --out/],
  [
    `replay ${SOURCE} --rules rules --in in.pcap --out in.pcap`,
    2,
    /are the same file, in\.pcap: write to another one$/,
  ],
  [`replay ${SOURCE} --rules rules --in in.pcap --seed dice --out o`, 2, /--seed .* Write a whole number/],
  [`replay ${SOURCE} --rules rules --in nowhere --out o`, 1, /--in nowhere: there is no such file: name a capture/],
  [`replay ${SOURCE} --rules rules --in rules --out o`, 1, /can't read rules: it is .*pcap/],
  [`replay ${SOURCE} --rules bad --in in.pcap --out o`, 1, /bad:1: -q is not an option/],
  [`replay ${SOURCE} --rules rules --in in.pcap --out no/o`, 1, /--out no\/o: its folder does not exist: name a file/],
  [`replay ${SOURCE} --rules rules --in in.pcap --out folder`, 1, /--out folder: it is a folder: name a file/],
  [`replay ${SOURCE} --rules rules --in in.pcap --stats no/o`, 1, /--stats no\/o: its folder does not exist: name/],
  [`demo --servers 100`, 2, /--servers .* Write a whole number from 2 to 9/],
];

describe('a command that fails', () => {
  const startedIn = process.cwd();
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-exit-'));
    process.chdir(folder);
    mkdirSync('folder');
    writeFileSync('folder/web.sock', '');
    writeFileSync('rules', RULES);
    writeFileSync('bad', '-A -t 192.0.2.1:80 -q\n');
    writePcap('in.pcap', [{ atUs: 0, data: tcp({ from: '172.16.0.1:1024', to: '192.0.2.1:80', flags: 'S' }) }]);
  });
  after(() => {
    process.chdir(startedIn);
    rmSync(folder, { recursive: true });
  });

  for (const [line, code, sentence] of FAILURES) {
    it(`exits with ${code} and a sentence: tunvs ${line}`, async () => {
      const { exitCode, stdout, stderr } = await cli(line.split(' '), verbs);
      assert.match(stderr, new RegExp(`^tunvs ${line.split(' ')[0]}: .*\n$`));
      assert.match(stderr.trimEnd(), sentence);
      assert.deepEqual([exitCode, stdout], [code, '']);
    });
  }

  it('does so as the help says', async () => {
    const { stdout } = await cli(['--help'], verbs);
    assert.match(stdout, /^Exit codes:\n {2}0 {2}done\n {2}1 {2}failed, .*\n(?: {5}.*\n)* {2}2 {2}the command line/m);
  });
});
