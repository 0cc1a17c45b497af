/** The demo, unattended: what a newcomer runs first. */
import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { describeLab, LabProcess } from '../support/lab.js';

const DEMO = [process.execPath, new URL('../../lib/cli/main.js', import.meta.url).pathname, 'demo'];

function namespacesOf(pid: number): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`tunvs-${pid}-`));
}

describeLab('tunvs demo', () => {
  it('plays every scene as it should and removes its namespaces', async () => {
    const demo = new LabProcess([...DEMO, '--once', '--json', '--requests', '60']);
    const exit = await demo.exited;
    assert.deepEqual(exit, { code: 0, signal: null }, demo.stderr);
    const events = demo.lines.map((line) => JSON.parse(line));
    const scenes = events.filter(({ event }) => event === 'scene');
    assert.equal(scenes.length, 5);
    assert.deepEqual(
      scenes.filter(({ ok }) => !ok),
      [],
    );
    assert.ok(events.some(({ event }) => event === 'stats'));
    assert.deepEqual(namespacesOf(demo.pid), []);
  });

  it('removes its namespaces when it is interrupted', async () => {
    const demo = new LabProcess([...DEMO, '--json', '--requests', '60']);
    await demo.line((line) => line.includes('"event":"scene"'), 30_000);
    assert.notDeepEqual(namespacesOf(demo.pid), []);
    await demo.stop('SIGINT', 20_000);
    assert.deepEqual(namespacesOf(demo.pid), []);
  });
});
