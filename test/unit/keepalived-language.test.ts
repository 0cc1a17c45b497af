/** The language of keepalived's files: what each line stands for. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: keepalived's parameters look like this.
import { strict as assert } from 'node:assert';
import { LIMITS } from '../../lib/keepalived/language/definitions.js';
import { alternatives, fits } from '../../lib/keepalived/language/glob.js';
import { type LogicalLine, logicalLines } from '../../lib/keepalived/language/logical-lines.js';
import { NotReadOn, Said } from '../../lib/keepalived/language/place.js';
import { sourceLines } from '../../lib/keepalived/language/source-lines.js';
import { type Statement, statementsOf } from '../../lib/keepalived/language/statements.js';
import { quotedWords, tokensOf } from '../../lib/keepalived/language/words.js';
import { memoryFiles } from '../support/configs.js';
import { keepalivedLines } from '../support/keepalived-lines.js';

const FILE = '/etc/keepalived/keepalived.conf';

function read(
  text: string,
  { others = {}, limits = LIMITS }: { others?: Record<string, string>; limits?: typeof LIMITS } = {},
) {
  const said = new Said();
  const files = memoryFiles({ ...others, [FILE]: text });
  const source = sourceLines(text, FILE, { files, said });
  const lines: LogicalLine[] = [];
  try {
    for (const line of logicalLines(source.lines, said, { id: 'main', random: () => 0.5, limits })) lines.push(line);
  } catch (error) {
    if (!(error instanceof NotReadOn)) throw error;
  }
  const mistakes = said.mistakes.map(({ file, line, message }) => `${file === FILE ? '' : file}:${line}: ${message}`);
  const warnings = said.warnings.map(({ line, message }) => `${line}: ${message}`);
  return { texts: lines.map(({ text }) => text), lines, mistakes, warnings };
}

function tree(text: string): { statements: Statement[]; mistakes: string[] } {
  const said = new Said();
  const lines = text.split('\n').map((each, at) => ({ text: each.trim(), file: FILE, line: at + 1 }));
  const statements = statementsOf(lines, said);
  return { statements, mistakes: said.mistakes.map(({ line, message }) => `${line}: ${message}`) };
}

describe("keepalived's language", () => {
  for (const [name, text, expected] of keepalivedLines)
    it(name, () => {
      const { texts, mistakes } = read(text);
      assert.deepEqual([texts, mistakes], [expected, []]);
    });

  it('says where each line stands, in the file that uses a definition', () => {
    const { lines } = read('$M= \\\na \\\nb\nc\n$M', {});
    assert.deepEqual(
      lines.map(({ line }) => line),
      [4, 5, 5],
    );
  });

  const wrong: [string, string, RegExp][] = [
    ['a definition that uses itself', '$A=${A}x\n${A}', /^:2: \$A uses itself$/],
    [
      'a definition of several lines that uses itself',
      '$A= \\\nx \\\n$A\n$A',
      /^:4: definitions and loops are nested too deeply$/,
    ],
    [
      'growth beyond all bounds',
      `$A0=xxxxxxxx\n${Array.from({ length: 30 }, (_, at) => `$A${at + 1}=\${A${at}}\${A${at}}`).join('\n')}\n\${A30}`,
      /^:32: /,
    ],
    ['a loop without an end', '~SEQ(A,1,-1,3) x', /the step does not lead from the start to the end$/],
    ['a loop of a million turns', '~SEQ(A,1,9999999) x', /more than 1000000 turns$/],
    ['a loop that is not closed', '~SEQ(A,1,2 x', /the parenthesis is not closed$/],
    ['a loop over no number', '~SEQ(A,a,2) x', /start, step and end are whole numbers$/],
    ['negative numbers in hexadecimal', '~SEQx(A,-1,2) x', /~SEQx counts no negative numbers$/],
    ['a list of nothing', '~LST(A) x', /it has no values$/],
    ['a list without a name', '~LST() x', /the first part is no name of a parameter$/],
    ['another word with the sign of a loop', '~FOO(A) x', /only ~SEQ/],
  ];
  for (const [name, text, expected] of wrong)
    it(`refuses ${name}`, () => {
      const { mistakes } = read(text);
      assert.equal(mistakes.length, 1, JSON.stringify(mistakes));
      assert.match(mistakes[0] as string, expected);
    });

  it('stops where lines are more than the limit', () => {
    const { texts, mistakes } = read('~SEQ(A,1,1000) ~SEQ(B,1,1000) x\nend', { limits: { ...LIMITS, lines: 50 } });
    assert.ok(texts.length <= 51);
    assert.match(mistakes.join('\n'), /more than 50 turns/);
  });
});

describe("keepalived's includes", () => {
  const others = {
    '/etc/keepalived/a/b.conf': 'b ${_PWD}\ninclude c.conf',
    '/etc/keepalived/a/c.conf': 'c',
    '/etc/keepalived/loop.conf': 'x\ninclude keepalived.conf',
  };

  it('are read from the folder of the file that includes', () => {
    const { lines, mistakes } = read('include a/b.conf\nend', { others });
    assert.deepEqual(mistakes, []);
    assert.deepEqual(
      lines.map(({ text, file, line }) => `${file}:${line}: ${text}`),
      ['/etc/keepalived/a/b.conf:1: b /etc/keepalived/a', '/etc/keepalived/a/c.conf:1: c', `${FILE}:2: end`],
    );
  });

  it('take patterns and braces, and files more than once', () => {
    assert.deepEqual(read('include a/*.conf', { others }).texts, ['b /etc/keepalived/a', 'c', 'c']);
    assert.deepEqual(read('include a/{c,c,b}.conf', { others }).texts, ['c', 'c', 'b /etc/keepalived/a', 'c']);
  });

  it('warn of what is not there, and refuse it when asked to', () => {
    assert.deepEqual(read('include no.conf').warnings, ['1: "no.conf" includes nothing']);
    assert.deepEqual(read('includea no*.conf').mistakes, [':1: "no*.conf" includes nothing']);
  });

  it('refuse a circle', () => {
    const { mistakes } = read('include loop.conf', { others });
    assert.deepEqual(mistakes, ['/etc/keepalived/loop.conf:2: "/etc/keepalived/keepalived.conf" includes itself']);
  });

  it('fit names to patterns', () => {
    const pairs = [
      ['abc', 'a*c', true],
      ['abc', 'a?c', true],
      ['abc', '[a-c]b[!d]', true],
      ['abc', '[d-f]bc', false],
      ['a', 'a**', true],
      ['', '*', true],
      ['[', '[', true],
      ['ab', 'a', false],
    ] as const;
    for (const [name, pattern, expected] of pairs) assert.equal(fits(name, pattern), expected, `${name} ${pattern}`);
    assert.deepEqual(alternatives('{foo/{,cat,dog},bar}x'), ['foo/x', 'foo/catx', 'foo/dogx', 'barx']);
    assert.deepEqual(alternatives('a}b{c'), ['a}b{c']);
    assert.ok(!fits('a'.repeat(2000), `${'*a'.repeat(500)}b`), 'a pattern of many stars takes no time');
  });
});

describe("keepalived's words", () => {
  const plain = (line: string) => tokensOf(line).tokens.map(({ text, isBrace }) => (isBrace ? `<${text}>` : text));

  it('are ended by a quote, a blank or a brace, and nothing is escaped', () => {
    assert.deepEqual(plain('a"b c"d'), ['a', 'b c', 'd']);
    assert.deepEqual(plain('a\\ b'), ['a\\', 'b']);
    assert.deepEqual(plain('a{b "{" }'), ['a', '<{>', 'b', '{', '<}>']);
    assert.deepEqual(plain('x "" y'), ['x', '', 'y']);
    assert.deepEqual(plain("'a b'"), ["'a", "b'"]);
    assert.equal(tokensOf('a "b').isClosed, false);
  });

  it('of scripts are held together by both quotes, and escaped as in a shell', () => {
    assert.deepEqual(quotedWords('abcd" efg h jkl "mnop').words, ['abcd efg h jkl mnop']);
    assert.deepEqual(quotedWords('abcd "efg h jkl" mnop').words, ['abcd', 'efg h jkl', 'mnop']);
    assert.deepEqual(quotedWords(`a\\ b 'c "d' "e 'f"`).words, ['a b', 'c "d', "e 'f"]);
    assert.deepEqual(quotedWords('\\x41\\102\\tz\\q\\cA').words, ['AB\tzq\x01']);
    assert.deepEqual(quotedWords('""').words, ['']);
    assert.equal(quotedWords("'a").isClosed, false);
  });
});

describe("keepalived's blocks", () => {
  it('may begin on the line of their keyword, on the next, and end on any', () => {
    for (const text of ['a 1 { b 2 }', 'a 1\n{\nb 2\n}', 'a 1 {\nb 2 }', 'a 1 { b 2\n}']) {
      const { statements, mistakes } = tree(text);
      const [a] = statements;
      assert.deepEqual(
        [a?.keyword, a?.words, a?.block?.map(({ keyword, words }) => [keyword, words])],
        ['a', ['1'], [['b', ['2']]]],
      );
      assert.deepEqual(mistakes, []);
    }
  });

  it('keep what was written behind a keyword', () => {
    assert.equal(tree(`x "a b" 'c'`).statements[0]?.raw, `"a b" 'c'`);
  });

  const wrong: [string, string[]][] = [
    ['a {\nb', ['1: the block of "a" is not closed']],
    ['a\n}\nb', ['2: a } closes no block']],
    ['{\na\n}\nb', ['1: a { belongs to no keyword']],
    ['a {\n}\n{\n}', ['3: a { belongs to no keyword']],
    ['a "b', ['1: a quote is not closed in "a \\"b"'.replace('\\"', '"')]],
    ['a \\', ['1: a backslash ends the line, and only definitions go on after one']],
  ];
  for (const [text, expected] of wrong)
    it(`say all that is wrong in ${JSON.stringify(text)}`, () => assert.deepEqual(tree(text).mistakes, expected));
});
