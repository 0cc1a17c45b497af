import { strict as assert } from 'node:assert';
import type { ShowCommand } from '../lib/rules/apply.js';
import { parseCommandLine } from '../lib/rules/parse-command.js';
import { readGoldenJson } from './support/golden.js';
import { GoldenDirector } from './support/golden-director.js';
import { tcp } from './support/packets.js';

interface Recorded {
  steps: { step: string; output: string[] }[];
}

const syn = (port: number) => packet(port, 'S');
const packet = (port: number, flags: string) => tcp({ from: `172.16.9.9:${port}`, to: '192.168.50.100:80', flags });

/** The packet of each step. The recording took a few tenths of a second from one step to the next. */
const PLAY: [step: RegExp, pauseSeconds: number, packet: Uint8Array | undefined][] = [
  [/^client packet S /, 0, syn(7000)],
  [/^client packet A /, 0.3, packet(7000, 'A')],
  [/^client packet FA /, 0.3, packet(7000, 'FA')],
  [/^3 s later$/, 3.1, undefined],
  [/^second connection of the same \/24$/, 0, syn(7001)],
];

const TABLES = 'IP Virtual Server version 1.2.1 (size=4096)';

/** The kernel lists connections in the order of its hash. */
function sorted([banner = '', title = '', ...rows]: readonly string[]): string[] {
  return [banner, title, ...rows.toSorted()];
}

/**
 * The recording has `ipvsadm -Lnc`, /proc/net/ip_vs_conn, `ipvsadm -Ln` and `-Ln --persistent-conn`; this takes
 * ipvsadm's.
 */
function listingsIn(output: readonly string[]): Record<'connections' | 'plain' | 'persistent', string[]> {
  const tables = output.indexOf(TABLES);
  const persistent = output.indexOf(TABLES, tables + 1);
  return {
    connections: sorted(output.slice(0, output.indexOf(''))),
    plain: output.slice(tables, persistent),
    persistent: output.slice(persistent),
  };
}

describe('the listings of a persistent service', () => {
  it("are ipvsadm's, byte for byte, after each step that was recorded", async () => {
    const { steps } = readGoldenJson('persistence-entries.json') as Recorded;
    assert.equal(steps.length, PLAY.length);
    await using director = new GoldenDirector();
    director.run('-A -t 192.168.50.100:80 -s rr -p 300 -M 255.255.255.0');
    director.run('-a -t 192.168.50.100:80 -r 10.0.0.11:80 -i -w 1');
    for (const [index, { step, output }] of steps.entries()) {
      const [name, pauseSeconds, sent] = PLAY[index] as (typeof PLAY)[number];
      assert.match(step, name);
      director.sleep(pauseSeconds);
      if (sent) director.send(sent);
      director.sleep(0.1);
      const list = (words: string) => director.list(parseCommandLine(words) as ShowCommand);
      const shown = {
        connections: sorted(await list('-L -n -c')),
        plain: await list('-L -n'),
        persistent: await list('-L -n --persistent-conn'),
      };
      assert.deepEqual(shown, listingsIn(output), step);
    }
  });
});
