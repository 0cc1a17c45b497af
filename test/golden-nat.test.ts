import { strict as assert } from 'node:assert';
import { readGoldenJson } from './support/golden.js';
import { GoldenDirector } from './support/golden-director.js';
import { NatReplay, type NatTrace } from './support/golden-nat.js';
import { natRuns } from './support/golden-nat-files.js';

describe('masquerading', () => {
  for (const { title, file, options, opened, leftOut, different, countsUntil } of natRuns) {
    it(`is what IPVS did, byte for byte and state for state: ${title}`, async () => {
      await using director = new GoldenDirector(options);
      const replay = new NatReplay(director, opened, countsUntil);
      await replay.run(readGoldenJson(file) as NatTrace, (name) => leftOut(name) !== undefined);
      const unexpected = replay.differences.filter(({ name, ours }) => !different[name]?.test(ours));
      const texts = unexpected.map(({ name, text }) => `\n== ${name}\n${text}`);
      assert.equal(texts.join('\n'), '', `${unexpected.length} of ${replay.compared.length} cases differ`);
      const agreeing = Object.keys(different).filter((name) => !replay.differences.some((each) => each.name === name));
      assert.deepEqual(agreeing, [], 'these are listed as different, and are not');
    });
  }

  it("does not show a client a real server's address, by default", async () => {
    await using director = new GoldenDirector();
    const { opened } = natRuns.find(({ file }) => file === 'nat-unknown.json') ?? assert.fail();
    const replay = new NatReplay(director, opened);
    await replay.run(readGoldenJson('nat-unknown.json') as NatTrace);
    const shown = replay.sent.filter((packet) =>
      /^\S+ \S* ?10\.0\.0\.11 > 172\.16\.5\.9 ports (8080|5353) /.test(packet),
    );
    assert.deepEqual(shown, []);
  });
});
