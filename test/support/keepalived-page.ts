/** Writes docs/keepalived.md from the tables of keepalived's keywords. `npm run docs` puts it in place. */
import { languageKeywords, topKeywords } from '../../lib/keepalived/keywords/index.js';
import { type Fate, fates, type Keyword, type Keywords } from '../../lib/keepalived/keywords/keyword.js';

export const KEEPALIVED_PAGE = 'docs/keepalived.md';

const BEGIN = `# keepalived's configuration

This page says how tunvs takes keepalived's configuration, and what becomes of each of its keywords. It is made of the
tables in \`lib/keepalived/keywords\` by \`npm run docs\`; a full test compares them with keepalived 2.2.7 and its manual
page.

\`\`\`sh
tunvs check /etc/keepalived/keepalived.conf
tunvs run --keepalived /etc/keepalived/keepalived.conf --source 10.2.0.2
tunvs convert --to yaml /etc/keepalived/keepalived.conf > tunvs.yaml
\`\`\`

- \`tunvs check\` says all mistakes at once, and names what is not done, each with its file and line.
- \`tunvs run\` runs a director from the file. \`--source\` gives the director's own address, which the file does not have.
  SIGHUP, \`tunvs reload\` and \`--reload-on-change\` read it again, with all that it includes.
- \`tunvs convert\` prints the configuration that comes of it; [configuration.md](configuration.md) lists its fields.
- \`--keepalived-id\` sets what conditional lines (\`@ID\`) are compared with; the default is the host's name up to its
  first dot. A file whose name does not end in \`.conf\`, and standard input, need \`--keepalived\`.

## What is different

- keepalived goes on where it does not understand a line. Here an unknown keyword, a value that cannot be, and a block
  that is not closed are mistakes, and nothing runs until they are mended. A running director keeps what it has.
- A server without an \`lvs_method\` of its own or of its virtual server is reached by NAT, as there, on the port that
  the file says. Its default route has to lead to this director ([nat.md](nat.md#what-the-real-server-needs)). Full NAT,
  which keepalived does not know, is a word of the converted file (\`forwarding: snat\`).
- Checks go to the real server's own address, as keepalived's do (\`via: address\`). The converted file may say
  \`via: vip\`, which checks what clients use: the virtual address, by the server's forwarding method.
- A failed server's packets are dropped, as IPVS drops them (\`onDown: drop\`).
- \`connect_timeout\` is the time of a whole check, not of each step of it.
- The way to a sorry server and back has no moment without a server.
- Where several programs of one server say its weight (\`misc_dynamic\`), the least counts, and a warning names the line;
  keepalived adds up how each differs from the configured weight.
- Each \`host\` of \`SMTP_CHECK\` without a \`connect_timeout\` has that of the checker. In keepalived 2.2.7 it has none,
  and gives up at once; and a checker that says \`connect_timeout\` itself asks the server's own port as well.
- A script of \`notify_up\`, \`notify_down\`, \`quorum_up\` or \`quorum_down\` that is missing on this host is a mistake. A
  missing program of \`MISC_CHECK\` is a warning, and says nothing of its server until it is there.
- A range of addresses in a group becomes ranges of one service each, whose addresses share the scheduler's state and
  the thresholds of the servers; in keepalived each address is a service. The checks are shared in both.
- Real servers with different checks become servers with a \`health\` of their own; what they have in common stands at the
  service.
- With DR and TUN the server's port is the service's, because they change no port; a warning names the line where the
  file says another. keepalived hands that port to IPVS, which ignores it. With NAT the server has the port of its line.

VRRP is not spoken: keepalived, started beside the director from the same file or from a part of it, does that well.
The blocks of VRRP are passed over, with one line each that says so.

## The language

Comments (\`#\`, \`!\`), quotes, blocks, definitions (\`$NAME=VALUE\`, also of several lines), \`\${_PWD}\`, \`\${_INSTANCE}\`,
\`\${_RANDOM}\`, \`\${_HASH}\`, \`\${_BANG}\`, conditional lines (\`@ID\`, \`@^ID\`), \`~SEQ\` and \`~LST\` are read as keepalived reads
them. A mistake in a definition is named with the line that uses it. Files include each other up to 32 deep, and in no
circle; a definition that grows without an end is a mistake.

## Limits

A short file can ask for much work, by loops, definitions and groups. Whatever is more than one of these is a mistake
that names its line and its limit, and nothing behind it is read:

- 4 MiB and 500,000 lines of all files together, each as often as it is included, and 65,536 characters in a line
- 150,000 lines with something in them, once loops and definitions are written out, and as many turns of loops
- 250,000 parameters that are written out, and 4 MiB of text that comes of them
- 2,000 files, 4,000 lines that include, and 50,000 names that the patterns of includes look at
- 16,384 addresses and ranges in all groups together
- 4,096 services, and 8,192 real servers, counted at each service: a group of ten addresses with five servers makes ten
  services and 50 real servers. A range that is a prefix, as 192.0.2.0/24, is one service.
- 1,000 mistakes; behind them one line says that reading ends there

A reload reads the files on the event loop: checks, signals and the control socket wait until it has read them, and
packets go on. Near the limits that may take some seconds of a CPU; \`tunvs check\` beforehand costs the director nothing.

`;

const MEANINGS: Readonly<Record<Fate, string>> = {
  done: 'it means what it means in keepalived',
  differs: 'it is done in another way, which the note says',
  vrrp: 'it belongs to VRRP and is passed over, with one line for its block',
  'not done': 'each use is named with its line, and the rest is done',
  refused: 'each use is a mistake, and nothing runs while it stands there',
  'no effect': 'there is nothing to do for it',
};

export function keepalivedPage(): string {
  const meanings = fates.map((fate) => `- **${fate}**: ${MEANINGS[fate]}`).join('\n');
  const language = Object.entries(languageKeywords).map(([name, note]) => `| \`${name}\` | done | ${note} |`);
  const parts = [
    `${BEGIN}## The keywords\n\n${meanings}\n`,
    section('Anywhere', language),
    section('At the top level', rows(topKeywords)),
    ...blocksOf(topKeywords).map(({ title, table }) => section(`In ${title}`, rows(table))),
  ];
  return `${parts.join('\n')}`;
}

const section = (title: string, lines: readonly string[]) =>
  `### ${title}\n\n| keyword | what becomes of it | |\n| --- | --- | --- |\n${lines.join('\n')}\n`;

/** Keywords of one fate and one note share a row. */
function rows(table: Keywords): string[] {
  const groups = new Map<string, { names: string[]; keyword: Keyword }>();
  for (const [name, keyword] of Object.entries(table)) {
    const key = `${keyword.fate} ${keyword.note ?? ''}`;
    const group = groups.get(key) ?? { names: [], keyword };
    group.names.push(`\`${name}\``);
    groups.set(key, group);
  }
  return [...groups.values()].map(
    ({ names, keyword }) => `| ${names.join(', ')} | ${keyword.fate} | ${keyword.note ?? ''} |`,
  );
}

/** Blocks with the same keywords are one part of the page. */
function blocksOf(table: Keywords): { title: string; table: Keywords }[] {
  const found: { names: string[]; table: Keywords }[] = [];
  const walk = (inside: Keywords) => {
    for (const [name, { block }] of Object.entries(inside)) {
      if (block === undefined || block === 'lines') continue;
      const same = found.find((each) => JSON.stringify(each.table) === JSON.stringify(block));
      if (same !== undefined) {
        if (!same.names.includes(name)) same.names.push(name);
        continue;
      }
      found.push({ names: [name], table: block });
      walk(block);
    }
  };
  walk(table);
  return found.map(({ names, table: each }) => ({ title: names.map((name) => `\`${name}\``).join(', '), table: each }));
}
