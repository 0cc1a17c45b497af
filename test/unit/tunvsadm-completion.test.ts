/** Completion of tunvsadm, asked of the shells themselves. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { candidates } from '../../lib/adm/completion/candidates.js';
import { completionScript } from '../../lib/adm/completion/scripts.js';
import { hasProgram } from '../support/has-program.js';
import { adm, admFolder, finished } from '../support/tunvsadm.js';
import { AdmServer, says } from '../support/tunvsadm-server.js';

const SAVED = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip
-a -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip
-A -t 192.0.2.2:443 -s wlc
-a -t 192.0.2.2:443 -r 10.0.0.13:443 -i -w 1 --tun-type ipip
-A -t [2001:db8::1]:80 -s wlc
-A -u 192.0.2.1:53 -s rr
-A -f 7 -s rr
-A -f 8 -6 -s rr
-a -f 8 -6 -r [2001:db8::5]:0 -i -w 1 --tun-type ipip
`;

/** The line up to the cursor, and what is offered there, each word as a whole. */
const LINES: readonly (readonly [line: string, expected: readonly string[]])[] = [
  ['-D -t ', ['192.0.2.1:80', '192.0.2.2:443', '[2001:db8::1]:80']],
  ['-D -t 192.0.2.1:', ['192.0.2.1:80']],
  ['-L --tcp-service 192.0.2.2', ['192.0.2.2:443']],
  ['-D -u ', ['192.0.2.1:53']],
  ['-D -f ', ['7', '8']],
  ['-d -t 192.0.2.1:80 -r ', ['10.0.0.11:80', '10.0.0.12:80']],
  ['-d -f 8 -6 -r ', ['[2001:db8::5]:0']],
  ['-e -t 192.0.2.2:443 -r 10.0.0.13:4', ['10.0.0.13:443']],
  ['-A -t 192.0.2.9:80 -s w', ['wrr', 'wlc']],
  ['-A -t 192.0.2.9:80 --pe ', ['sip']],
  ['-Ln --th', ['--thresholds']],
  ['--completion ', ['bash', 'zsh', 'fish']],
  ['-a -t 192.0.2.1:80 -r 10.0.0.14 -w ', []],
];

/** What a shell may read in its own way: colons, brackets, an empty word, several offers. */
const IN_SHELLS = LINES.filter(([line]) => /^-D -t|-6 -r|-s w|--th/.test(line));

describe('completion of tunvsadm', () => {
  let folder: string;
  let server: AdmServer;

  before(async () => {
    folder = admFolder();
    server = await AdmServer.open(says(SAVED));
    for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(join(folder, shell), completionScript(shell));
  });
  after(async () => {
    await server.dispose();
    rmSync(folder, { recursive: true });
  });

  it('offers what may stand at the cursor', async () => {
    for (const [line, expected] of LINES) {
      const { stdout, status } = await adm(folder, ['--complete', ...line.split(' ')], { socket: server.socket });
      assert.deepEqual([stdout.split('\n').filter(Boolean), status], [expected, 0], line);
    }
  });

  it('asks the daemon only where that is of use', async () => {
    const asked: string[] = [];
    const running = async () => {
      asked.push('asked');
      return [];
    };
    assert((await candidates([''], running)).includes('-A'));
    assert((await candidates(['-L', '-'], running)).includes('--rate'));
    assert.deepEqual(await candidates(['-A', 'x'], running), []);
    assert.deepEqual(asked, []);
    await candidates(['-D', '-t', ''], running);
    assert.deepEqual(asked, ['asked']);
  });

  it('is silent without a daemon, and when it refuses', async () => {
    const nothing = { stdout: '', stderr: '', status: 0 };
    assert.deepEqual(await adm(folder, ['--complete', '-D', '-t', ''], { socket: '/nowhere' }), nothing);
    const refusing = await AdmServer.open(async function* () {
      yield { err: 'no\n' };
    });
    assert.deepEqual(await adm(folder, ['--complete', '-D', '-t', ''], { socket: refusing.socket }), nothing);
    await refusing.dispose();
  });

  it('asks the daemon that the line names', async () => {
    const words = ['--complete', '--socket', server.socket, '-D', '-f', ''];
    assert.equal((await adm(folder, words, { socket: '/nowhere' })).stdout, '7\n8\n');
  });

  it('prints the script of a shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish'])
      assert.equal((await adm(folder, ['--completion', shell], { name: 'ipvsadm' })).stdout, completionScript(shell));
  });

  /** Completes a line in a shell; prints the offers, one a line. */
  const SHELLS: Readonly<Record<string, (line: string) => string[]>> = {
    bash: (line) => [
      '-c',
      `source ${folder}/bash; COMP_LINE=$1; COMP_POINT=\${#1}; _tunvsadm; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      line,
    ],
    zsh: (line) => [
      '-fc',
      `autoload -Uz compinit; compinit -D -u; source ${folder}/zsh; compadd() { print -l -- "\${found[@]}" }
       words=("\${(@s: :)1}"); CURRENT=\${#words}; _tunvsadm`,
      'zsh',
      line,
    ],
    fish: (line) => ['--no-config', '-c', `source ${folder}/fish; complete -C "$argv[1]"`, line],
  };

  for (const [shell, words] of Object.entries(SHELLS)) {
    it(`works in ${shell}, under the name ipvsadm too`, async function () {
      this.timeout(60_000);
      if (!hasProgram(shell)) {
        console.log(`        ${shell} is missing; install it with: apt-get install ${shell}`);
        this.skip();
      }
      const env = {
        ...process.env,
        PATH: `${folder}${delimiter}${process.env.PATH}`,
        TUNVS_SOCKET: server.socket,
        HOME: folder,
      };
      for (const program of ['tunvsadm', 'ipvsadm']) {
        for (const [line, expected] of program === 'ipvsadm' ? IN_SHELLS.slice(0, 1) : IN_SHELLS) {
          const { stdout, stderr } = await finished(
            spawn(shell, words(`${program} ${line}`), { env, stdio: ['ignore', 'pipe', 'pipe'] }),
          );
          // bash takes what stands before a colon for a word of its own.
          const current = line.split(' ').at(-1) ?? '';
          const head = shell === 'bash' ? current.slice(0, current.lastIndexOf(':') + 1) : '';
          assert.deepEqual(
            stdout.split('\n').filter(Boolean).sort(),
            expected.map((word) => word.slice(head.length)).sort(),
            `${program} ${line}: ${stderr}`,
          );
        }
      }
    });
  }
});
