/** What README and docs show is run: commands in a network namespace, programs on a lab's host. */
import { strict as assert } from 'node:assert';
import { blocksToRun, titleOf } from '../support/doc-blocks.js';
import { compileDocPrograms, type DocProgram } from '../support/doc-programs.js';
import { runShellPage, type ShellPage } from '../support/doc-shell.js';
import { describeLab, Lab, type LabHost } from '../support/lab.js';
import { nftProblem } from '../support/nft.js';

/** Lets the commands behind it write to /etc and to folders of programs, and nobody else sees that. */
const OWN_FOLDERS = `mkdir etc
cp -a /etc/. etc/ || true
mount --bind etc /etc
mount -t tmpfs tmpfs /usr/local/sbin
mount -t tmpfs tmpfs /usr/local/share
mkdir -p /usr/local/share/zsh/site-functions /etc/bash_completion.d /etc/fish/completions
PATH=/usr/local/sbin:$PATH`;

const ADM_DIRECTOR = `cat >adm.rules <<'.'
-A -t 10.9.9.9:80 -s wlc
-a -t 10.9.9.9:80 -r 10.2.0.11 -i
.
tunvs run --rules adm.rules --source 10.2.0.2 &
said 1 'tunvs run: ready'`;

/** What the blocks of a page take for granted. */
const ASSUMED: Readonly<Record<string, Omit<ShellPage, 'blocks'>>> = {
  'docs/api.md': {
    meaning: { VIP: '192.0.2.10' },
    before: {
      sysctl:
        'ip tuntap add dev tunvs0 mode tun multi_queue\nip link set tunvs0 up\nip route add 192.0.2.10 dev tunvs0',
    },
  },
  'docs/operate.md': {
    before: { 'mkdir -p /etc/tunvs': OWN_FOLDERS, 'ipvsadm-save': 'tunvs install-ipvsadm /usr/local/sbin' },
  },
  'docs/tunvsadm.md': {
    before: { 'tunvs install-ipvsadm': `${OWN_FOLDERS}\n${ADM_DIRECTOR}` },
  },
  'docs/marks.md': { before: { 'ip link set dev tunvsm0': 'ip tuntap add dev tunvsm0 mode tun' } },
};

/** What has to be there for a page's commands besides ip. */
const NEEDED: Readonly<Record<string, () => string | undefined>> = { 'docs/marks.md': nftProblem };

describeLab('the commands of the documentation', () => {
  const blocks = blocksToRun('sh');
  for (const page of new Set(blocks.map((block) => block.page))) {
    const problem = NEEDED[page]?.();
    const run = problem === undefined ? it : it.skip;
    run(`do what they say: ${page}${problem === undefined ? '' : ` (skipped: ${problem})`}`, async () => {
      const ofPage = blocks.filter((block) => block.page === page);
      const { code, output } = await runShellPage({ ...ASSUMED[page], blocks: ofPage });
      assert.equal(code, 0, output);
      for (const block of ofPage)
        assert.ok(output.includes(`== ${titleOf(block).replaceAll("'", '"')}\n`), titleOf(block));
      if (page !== 'README.md') return;
      const answers = output.split('\n').filter((line) => /^rs[12]$/.test(line));
      assert.deepEqual(answers.sort(), ['rs1', 'rs1', 'rs1', 'rs1', 'rs2', 'rs2'], output);
    });
  }
});

describeLab('the programs of the documentation', () => {
  let lab: Lab;
  let host: LabHost;
  let programs: DocProgram[];

  before(async () => {
    programs = await compileDocPrograms(blocksToRun('ts', 'js'));
    lab = Lab.create();
    host = await lab.addHost('director');
    host.ip(['link add eth0 type veth peer name peer0', 'address add 10.2.0.2/24 dev eth0', 'link set eth0 up']);
    host.ip(['link set peer0 up']);
  });

  after(async () => {
    await lab?.dispose();
  });

  for (const [index, block] of blocksToRun('ts', 'js').entries()) {
    it(`compile and run: ${titleOf(block)}`, async () => {
      const { file } = programs[index] as DocProgram;
      const { code, stdout, stderr } = await host.tryExec([process.execPath, file]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^the end$/m);
    });
  }
});
