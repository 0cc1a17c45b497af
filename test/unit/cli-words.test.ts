import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NewsPrinter } from '../../lib/cli/news.js';
import { commandWords, WORDS } from '../../lib/cli/words.js';
import { sourceWarnings } from '../../lib/director/director-device.js';
import { contested } from '../../lib/host/host-event.js';
import type { CliIo } from '../../lib/cli/verb.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Returns the sources of the library and of its native part, as they read for IPv6. */
function sources(): string {
  const read = (folder: string, ending: RegExp) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => ending.test(name) && !name.startsWith('cli'))
      .map((name) => readFileSync(`${ROOT}${folder}/${name}`, 'utf8'));
  const all = [...read('lib', /\.ts$/), ...read('native', /(?<!_test)\.cc$/)].join('\n');
  return all.replace(/\$\{family\}/g, '6');
}

describe("the library's words, as the commands say them", () => {
  const text = sources();
  for (const [library, command] of WORDS) {
    it(`are "${command}" for what the library still says`, () => assert.ok(text.search(library) >= 0, `${library}`));
  }

  it('name options of the command line', () => {
    const [warning = ''] = sourceWarnings(['10.2.0.2'], {});
    assert.match(commandWords(warning), /or name another with --source$/);
    assert.equal(
      commandWords("can't send; open it with egress 'packet' (which needs CAP_NET_RAW)"),
      "can't send; choose --egress packet (which needs CAP_NET_RAW)",
    );
    assert.equal(
      commandWords('it is lost, so close the director and open it again'),
      'it is lost, so start the command again',
    );
  });

  it('tell users of the command what they can do, not what a program can call', () => {
    const { message } = contested(['a route'], 5, 60_000, ['tunvs0']);
    assert.match(message, /; mendHost\(\) puts it back at once$/);
    assert.match(commandWords(message), /; SIGHUP puts it back at once$/);
    assert.equal(
      commandWords('no memory for a connection table of 9 MiB; ask for fewer connections'),
      'no memory for a connection table of 9 MiB; ask for fewer with --max-connections',
    );
  });

  it('leave other sentences as they are', () => {
    for (const sentence of ['the device is open in this process', 'mode "userspace" is on'])
      assert.equal(commandWords(sentence), sentence);
  });

  it('stand in events, as text and as JSON', () => {
    for (const isJson of [false, true]) {
      const written: string[] = [];
      const stream = { write: (line: string) => written.push(line) };
      const news = new NewsPrinter('run', { stdout: stream, stderr: stream } as unknown as CliIo, isJson, 0);
      news.tell({ type: 'errorsUnread', value: 1, message: 'no room: raise maxConnections' });
      news.end();
      assert.match(written.join(''), /no room: raise --max-connections/);
    }
  });
});
