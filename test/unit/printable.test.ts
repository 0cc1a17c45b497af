/** What others have written is shown, and is never obeyed by a terminal or taken for a line of its own. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { readOperand } from '../../lib/cli/config-file.js';
import { verbs } from '../../lib/cli/verbs/index.js';
import { printable, printableLines, printableMembers } from '../../lib/values/printable.js';
import { cli } from '../support/cli.js';

/** Sets the title of a terminal, and begins a line that somebody may take for another's. */
const HOSTILE = '\x1b]0;x\x07\u009b2J\ntunvs run: all is well';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

describe('what others have written', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-printable-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('is written as JSON writes it', () => {
    assert.equal(printable('ä\x1b\n\u2028'), 'ä\\u001b\\u000a\\u2028');
    assert.equal(printable('up\u202eon\u2066\u200f'), 'up\\u202eon\\u2066\\u200f');
    assert.equal(printableLines('a\x1b\nb'), 'a\\u001b\nb');
    assert.deepEqual(printableMembers({ '\x07': ['\x1b', 1, null] }), { '\\u0007': ['\\u001b', 1, null] });
  });

  it('is not obeyed where a configuration or rules hold it', async () => {
    const value = JSON.stringify(HOSTILE);
    const config = `${value}: 1\nservices: [{ listen: ${value}, scheduler: ${value}, servers: [${value}] }]\n`;
    writeFileSync(join(folder, 'a.yaml'), `${config}include: ${value}\n`);
    writeFileSync(join(folder, 'b.rules'), '-A -t \x1b]0;x\x07:80\n-A -t 192.0.2.1:80 -s \x1b]0;x\x07\n');
    for (const [name, mistakes] of [
      ['a.yaml', 6],
      ['b.rules', 2],
    ] as const) {
      const { stderr } = await cli(['check', join(folder, name)], verbs);
      assert.doesNotMatch(stderr, OBEYED);
      assert.equal(stderr.trimEnd().split('\n').length, mistakes + 1, stderr);
    }
    const { stderr } = await cli(['check', `${folder}/\x1b`], verbs);
    assert.match(stderr, /\\u001b: there is no such file/);
  });

  it('is not obeyed where somebody else answers in place of a daemon', async () => {
    const answers: [status: number, body: string][] = [
      [500, JSON.stringify({ detail: HOSTILE })],
      [200, JSON.stringify([{ path: HOSTILE, value: HOSTILE, file: HOSTILE, line: 1 }])],
      [200, JSON.stringify({ changes: [{ sentence: HOSTILE }] })],
      [200, HOSTILE],
    ];
    for (const [status, body] of answers) {
      const server = createServer((_, response) => response.writeHead(status).end(body)).listen(join(folder, 'd.sock'));
      await once(server, 'listening');
      for (const words of [['status'], ['reload'], ['config', 'show']]) {
        const { stdout, stderr } = await cli([...words, '--socket', join(folder, 'd.sock')], verbs);
        assert.doesNotMatch(stdout + stderr, OBEYED, `${words}: ${body}`);
      }
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    }
  });
});

describe('a configuration that is read', () => {
  const io = () => ({ stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough() });

  it('has an end, or is refused', async () => {
    await assert.rejects(readOperand('/dev/zero', io()), /FILE \/dev\/zero: it is larger than 64 MiB/);
    const stdin = Readable.from(Array(65).fill(Buffer.alloc(2 ** 20)));
    await assert.rejects(readOperand('-', { ...io(), stdin }), /it is larger than 64 MiB/);
  });

  it('is a file when it is read again, because nobody may ever write to a FIFO', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-fifo-'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    try {
      await assert.rejects(
        readOperand(join(folder, 'fifo'), io(), { isAgain: true }),
        /it is a FIFO, and a reload needs a file/,
      );
      await assert.rejects(readOperand(folder, io(), { isAgain: true }), /it is a folder, and a reload needs a file/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
