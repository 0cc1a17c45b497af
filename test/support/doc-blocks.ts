/** The fenced blocks of README.md, CONTRIBUTING.md and docs/, and which of them no test runs, with the reason. */
import { readdirSync, readFileSync } from 'node:fs';

export interface DocBlock {
  page: string;
  /** Of the page, from 1: the one behind the fence. */
  line: number;
  /** What stands behind the fence: `sh`, `ts`, `js`, `rules`, or `text` for pictures and output. */
  language: string;
  text: string;
}

export const ROOT = new URL('../../../', import.meta.url);

export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
];

interface NotRun {
  page: string;
  /** How the block begins; without it, all blocks of the page are meant. */
  begins?: string;
  reason: string;
}

/** Keep it small: whatever can be run is run. */
export const NOT_RUN: readonly NotRun[] = [
  { page: 'README.md', begins: 'npm run demo', reason: '.ci/run runs npm test, and demo.test.ts the demo' },
  { page: 'README.md', begins: 'npm pack', reason: 'package.test.ts packs and installs it' },
  { page: 'README.md', begins: 'import { Director }', reason: 'readme.test.ts runs it as examples/readme.ts' },
  { page: 'README.md', begins: 'docker run', reason: 'it needs docker and an image' },
  { page: 'docs/fleet.md', reason: 'it needs etcd; test/full/fleet.test.ts runs the same with one' },
  {
    page: 'docs/keepalived.md',
    begins: 'tunvs check',
    reason: 'it needs the file; run-keepalived.test.ts runs such a one',
  },
  { page: 'docs/nat.md', begins: 'tcpdump', reason: 'it needs a director that has traffic on two interfaces' },
  { page: 'docs/operate.md', begins: 'npm install', reason: 'it needs the registry and systemd' },
  {
    page: 'docs/operate.md',
    begins: 'systemctl',
    reason: 'it needs systemd; daemon.test.ts runs what the unit runs, in its sandbox',
  },
  {
    page: 'docs/redundancy.md',
    begins: 'tunvs run --etcd',
    reason: 'it needs etcd; test/full/fleet.test.ts runs the same with one',
  },
  {
    page: 'docs/redundancy.md',
    begins: 'npm install',
    reason: 'it needs the registry, and leaves a process of its own; takeover.test.ts upgrades a director',
  },
  { page: 'docs/sync.md', begins: 'umask 077', reason: 'it needs two hosts; sync-peers.test.ts runs the same on two' },
  { page: 'docs/performance.md', begins: 'npm run bench', reason: 'it needs the checkout; bench.test.ts runs trials' },
  {
    page: 'docs/tunvsadm.md',
    begins: 'for NAME in',
    reason: "it changes the host's packages; ldirectord.test.ts gives ldirectord such a link",
  },
  { page: 'docs/install.md', reason: 'it needs the registry; package.test.ts installs the package' },
];

export function reasonNotRun({ page, text }: DocBlock): string | undefined {
  return NOT_RUN.find((entry) => entry.page === page && text.startsWith(entry.begins ?? ''))?.reason;
}

export const titleOf = ({ page, line, text }: DocBlock) => `${page}:${line} ${text.split('\n', 1)[0]}`;

export const readPage = (page: string) => readFileSync(new URL(page, ROOT), 'utf8');

export function blocksOf(page: string, markdown: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  let open: DocBlock | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^\s*(?:```|~~~)\s*(\S*)/.exec(line);
    if (fence === null) {
      if (open !== undefined) open.text += `${line}\n`;
    } else if (open === undefined) {
      open = { page, line: index + 2, language: fence[1] ?? '', text: '' };
    } else {
      blocks.push(open);
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line} a block has no end`);
  return blocks;
}

export const docBlocks: readonly DocBlock[] = PAGES.flatMap((page) => blocksOf(page, readPage(page)));

/** Blocks of these languages that a test has to run. */
export const blocksToRun = (...languages: string[]): DocBlock[] =>
  docBlocks.filter((block) => languages.includes(block.language) && reasonNotRun(block) === undefined);
