/** Runs the blocks of a page one after the other, as a reader pastes them into a shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DocBlock, ROOT, titleOf } from './doc-blocks.js';

export interface ShellPage {
  blocks: readonly DocBlock[];
  /** Commands before the block that begins with the key. */
  before?: Readonly<Record<string, string>>;
  /** Names that stand for something. */
  meaning?: Readonly<Record<string, string>>;
}

export interface ShellOutcome {
  code: number | null;
  /** What all of it wrote. */
  output: string;
}

/** A host of its own, with an address that a director can have. What a page leaves running ends with it. */
const HOST = `set -e
trap 'kill $(jobs -p) 2>/dev/null && wait || true' EXIT
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add eth0 type veth peer name peer0
ip address add 10.2.0.2/24 dev eth0
ip link set eth0 up
ip link set peer0 up
said() { # COUNT WORDS: waits until that many lines of the output begin with them
  for _ in $(seq 300); do
    if [ "$(grep -c "^$2" output)" -ge "$1" ]; then return; fi
    sleep 0.1
  done
  echo "\\"$2\\" was not said"
  exit 1
}
`;

const SERVERS_READY = 'real server for ';
const DIRECTOR_READY = 'tunvs run: ready';

export async function runShellPage(page: ShellPage): Promise<ShellOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-docs-'));
  try {
    for (const [name, main] of Object.entries({ tunvs: 'cli', tunvsadm: 'adm' })) {
      const command = join(folder, name);
      const file = new URL(`dist/lib/${main}/main.js`, ROOT).pathname;
      writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${file}' "$@"\n`);
      chmodSync(command, 0o755);
    }
    // A reader pastes the next block when the web servers are up.
    writeFileSync(join(folder, '.curlrc'), 'retry = 9\nretry-connrefused\n');
    writeFileSync(join(folder, 'web.rules'), '-A -f 1 -s rr\n-a -f 1 -r 10.2.0.11 -i\n');
    writeFileSync(join(folder, 'script'), HOST + page.blocks.map((block) => shellOf(block, page)).join('\n'));
    const env = { ...process.env, HOME: folder, PATH: `${folder}:${process.env.PATH}` };
    const shell = spawn('unshare', ['-nm', '--kill-child', 'sh', '-c', 'exec bash script >output 2>&1'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const code = await ended(shell, 50_000);
    return { code, output: readFileSync(join(folder, 'output'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The exit code of a process that leads a group; the group is killed after `limitMs`. */
export async function ended(child: ChildProcess, limitMs: number): Promise<number | null> {
  const { pid } = child;
  // A program that could not be started has no id, and 0 would be the group of this process.
  const timer = pid === undefined ? undefined : setTimeout(() => process.kill(-pid, 'SIGKILL'), limitMs);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code;
  } finally {
    clearTimeout(timer);
  }
}

function shellOf(block: DocBlock, { before = {}, meaning = {} }: ShellPage): string {
  let text = block.text;
  for (const [name, value] of Object.entries(meaning)) text = text.replaceAll(name, value);
  const setUp = Object.entries(before).filter(([begins]) => block.text.startsWith(begins));
  // A director in the foreground ends by Ctrl-C, which is of use once it is ready.
  const inFront = text.replace(
    /^(tunvs run (?!.*--dry-run).*[^&\n])$/gm,
    `$1 &\nsaid 1 '${DIRECTOR_READY}'\nkill -INT $!\nwait $!`,
  );
  const waits = [
    /tunvs realserver .*&$/m.test(text) ? `said 2 '${SERVERS_READY}'` : '',
    /tunvs run .*&$/m.test(text) ? `said 1 '${DIRECTOR_READY}'` : '',
  ];
  return [
    ...setUp.map(([, commands]) => commands),
    `echo '== ${titleOf(block).replaceAll("'", '"')}'`,
    inFront,
    ...waits,
    '',
  ].join('\n');
}
