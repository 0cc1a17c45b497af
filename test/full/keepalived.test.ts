/** keepalived itself, its manual page and its samples are the measure of what is read of its configuration. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: keepalived's parameters look like this.
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { languageKeywords, topKeywords } from '../../lib/keepalived/keywords/index.js';
import type { Keywords } from '../../lib/keepalived/keywords/keyword.js';
import { LIMITS } from '../../lib/keepalived/language/definitions.js';
import { logicalLines } from '../../lib/keepalived/language/logical-lines.js';
import { Said } from '../../lib/keepalived/language/place.js';
import { sourceLines } from '../../lib/keepalived/language/source-lines.js';
import { tokensOf } from '../../lib/keepalived/language/words.js';
import { parseKeepalived } from '../../lib/keepalived/parse-keepalived.js';
import { diskFiles } from '../../lib/config/read/files.js';
import { fuzzRuns } from '../support/fuzz-runs.js';
import { hasProgram } from '../support/has-program.js';
import { keepalivedLines } from '../support/keepalived-lines.js';

const PAGE = '/usr/share/man/man5/keepalived.conf.5.gz';
const SAMPLES = '/usr/share/doc/keepalived/samples';

describe('keepalived of the distribution', function () {
  this.timeout(120_000);
  let folder: string;
  let path: string;

  before(function () {
    if (!hasProgram('keepalived')) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'keepalived-'));
    path = join(folder, 'any.conf');
  });

  after(() => folder && rmSync(folder, { recursive: true }));

  /** Returns what keepalived calls unknown, which is the first word of each line. */
  function firstWords(text: string): string[] {
    writeFileSync(path, `${text}\n`);
    const { stdout, stderr } = spawnSync('keepalived', ['-t', '-i', 'main', '-f', path], { encoding: 'utf8' });
    // It has several processes, which read the file each; the first one names no file.
    return [...`${stdout}${stderr}`.matchAll(/^\(Line \d+\) Unknown keyword '(.*)'$/gm)].map(
      ([, word]) => word as string,
    );
  }

  function unknownWords(text: string): string[] {
    writeFileSync(path, text);
    const { stdout, stderr } = spawnSync('keepalived', ['-t', '-f', path], { encoding: 'utf8' });
    return [...`${stdout}${stderr}`.matchAll(/Unknown keyword '(.*)'/g)].map(([, word]) => word as string);
  }

  function ourFirstWords(text: string): string[] {
    const said = new Said();
    const { lines } = sourceLines(text, path, { files: diskFiles, said });
    const logical = logicalLines(lines, said, { id: 'main', random: () => 0.5, limits: LIMITS });
    return [...logical].flatMap(({ text: line }) => tokensOf(line).tokens[0]?.text ?? []);
  }

  for (const [name, text] of keepalivedLines) {
    // Folders are others here, quotes and braces are no words, and 2.2.7 does not do what its page says of conditions.
    if (/_PWD|quotes|braces|before the sign|condition in a parameter/.test(`${name}${text}`)) continue;
    it(`${name}, as the reader here does`, () => {
      const given = text.replace(/\$\{NO\}a \$NO/, 'x');
      assert.deepEqual(firstWords(given), ourFirstWords(given));
    });
  }

  it('reads lines of any order as the reader here does', () => {
    const name = fc.constantFrom('A', 'B', 'C');
    const word = fc.oneof(
      fc.constantFrom('x', 'y1', 'z.z'),
      name.map((each) => `w${'${'}${each}}v`),
      name.map((each) => `$${each} q`),
    );
    const inner = fc.oneof(
      word,
      fc.tuple(name, fc.constantFrom('1', 'b', '')).map(([each, value]) => `$${each}=${value}`),
    );
    const block = fc
      .tuple(name, fc.array(inner, { minLength: 1, maxLength: 4 }))
      .map(([each, lines]) => `$M${each}= \\\n${lines.map((line) => ` ${line}`).join(' \\\n')}`);
    const loop = fc.tuple(
      fc.constantFrom('SEQ', 'SEQx'),
      fc.integer({ min: -3, max: 20 }),
      fc.integer({ min: 0, max: 3 }),
    );
    const line = fc.oneof(
      inner,
      block,
      name.map((each) => `$M${each}`),
      fc.tuple(fc.constantFrom('@main', '@other', '@^main', '@^other'), inner).map(([id, each]) => `${id} ${each}`),
      fc
        .tuple(loop, word)
        .map(([[kind, from, more], each]) => `~${kind}(L@, ${from}, ${from + more}) ${'${'}L@}_${each}`),
      fc.constantFrom('x # y', 'z ! y', '', '~LST(K, a, b) k${K}', '~LST({K,L},{a,b},{c,d}) k${K}${L}'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        // A parameter without a value would leave its braces, and one of a loop is not to be another's.
        const each = lines.map((given, at) => given.replaceAll('L@', `L${at}`));
        const text = ['$A=a', '$B=b', '$C=c', ...each].join('\n');
        assert.deepEqual(firstWords(text), ourFirstWords(text), text);
      }),
      { numRuns: fuzzRuns(100) },
    );
  });

  it('has a manual page without a keyword that the tables lack', () => {
    const page = gunzipSync(readFileSync(PAGE)).toString('utf8');
    const part = page.slice(page.indexOf('.SH Global definitions'), page.indexOf('.SH ADVANCED'));
    const bold = [...part.matchAll(/\\fB(.*?)(?:\\f[RPI]|$)/gm)].flatMap(([, text]) => (text as string).split('|'));
    const words = bold
      .map((text) => text.trim().split(/[ [<]/)[0] as string)
      .filter((text) => /^[A-Za-z][\w-]*$/.test(text));
    const prose = new Set(['Important', 'NOT', 'NOTE', 'Note', 'VRRP', 'Virtual', 'all']);
    assert.ok(words.length > 300, 'the page is read');
    const known = new Set([...namesOf(topKeywords), ...Object.keys(languageKeywords)]);
    assert.deepEqual([...new Set(words.filter((word) => !known.has(word) && !prose.has(word)))], []);
  });

  it('takes the keywords of the tables in their blocks, and no others', () => {
    const found: string[] = [];
    for (const root of ['virtual_server', 'global_defs']) {
      const top = topKeywords[root]?.block as Keywords;
      for (const { within, table } of [{ within: [root], table: top }, ...blocksOf(top, [root])]) {
        for (const name of new Set(namesOf(top))) {
          const begin = within.map((each) => `${each} 192.0.2.1 80 {\n`).join('');
          const isTaken = !unknownWords(`${begin}${name} 1\n${'}\n'.repeat(within.length)}`).includes(name);
          if (isTaken !== Object.hasOwn(table, name)) found.push(`${within.join(' ')} ${name}`);
        }
      }
    }
    // Debian's is built without iptables, the page alone has dynamic, and the others are of later versions.
    assert.deepEqual(found.sort(), [
      'global_defs vrrp_ipsets',
      'virtual_server real_server FILE_CHECK dynamic',
      'virtual_server real_server HTTP_GET url tls_compliant',
      'virtual_server real_server SSL_GET sni_name',
      'virtual_server real_server SSL_GET url tls_compliant',
    ]);
  });

  it('brings samples that are taken, once their scripts are there', () => {
    const refused = readdirSync(SAMPLES)
      .filter((name) => name.startsWith('keepalived.conf'))
      .flatMap((name) => {
        const text = readFileSync(join(SAMPLES, name), 'utf8').replace(/\/usr\/local\/sbin\/[\w.-]+/g, '/bin/true');
        const found = parseKeepalived(text, { path: join(SAMPLES, name) });
        return 'mistakes' in found ? found.mistakes.map(({ line, message }) => `${name}:${line}: ${message}`) : [];
      });
    assert.deepEqual(refused, [
      'keepalived.conf.SMTP_CHECK:69: connect_ip 192.168.155.10 is not the real server',
      'keepalived.conf.SMTP_CHECK:73: connect_ip 64.233.167.99 is not the real server',
      'keepalived.conf.SMTP_CHECK:102: connect_ip 192.168.155.11 is not the real server',
      'keepalived.conf.SMTP_CHECK:108: connect_ip 64.233.167.100 is not the real server',
      // Its packets would come back to the director.
      "keepalived.conf.virtual_server_group:29: 192.168.200.1:1358 can't be a real server of TCP 192.168.200.1:1358 by NAT",
    ]);
  });
});

function blocksOf(table: Keywords, within: string[] = []): { within: string[]; table: Keywords }[] {
  return Object.entries(table).flatMap(([name, { block }]) => {
    if (block === undefined || block === 'lines') return [];
    const path = [...within, name];
    return [{ within: path, table: block }, ...blocksOf(block, path)];
  });
}

function namesOf(table: Keywords): string[] {
  return Object.entries(table).flatMap(([name, { block }]) => [
    name,
    ...(block === undefined || block === 'lines' ? [] : namesOf(block)),
  ]);
}
