/** How `tunvs run` ends while clients are at it, and what a clock that jumps does to it. */
import { strict as assert } from 'node:assert';
import { eventuallyHolds } from '../support/eventually.js';
import { DirectorCommand, describeLab, hostState, labRules, PORT, TestStage } from '../support/lab.js';

/** What else a line has. */
type Sample = { atMs: number; rates: { inPackets: number } };

const asSample = (line: object) => line as Sample;

/** Steps the clock of the day by an hour to and fro with each look at it. */
const JUMPING =
  'data:text/javascript,const now=Date.now.bind(Date);let looks=0;Date.now=()=>now()+(looks++&1)*7200000-3600000';

describeLab('an operated director', () => {
  let stage: TestStage;
  let command: DirectorCommand | undefined;

  before(async () => {
    stage = await TestStage.open({ topology: 'lan' });
  });

  after(async () => {
    await stage?.close();
  });

  afterEach(async () => {
    delete process.env.NODE_OPTIONS;
    await command?.stop();
    command = undefined;
  });

  async function start(): Promise<DirectorCommand> {
    const servers = stage.servers.map(({ address }) => ({ address, weight: 1 }));
    const rules = labRules(stage.virtualAddress, [{ port: PORT, scheduler: 'rr', servers }]);
    command = await DirectorCommand.start(stage.director, { rules, source: stage.topology.directorAddress });
    return command;
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`takes ${signal} under load, leaves the host to the next one, and that forwards all`, async () => {
      const before = await hostState(stage.director);
      const director = await start();
      let isOver = false;
      const load = (async () => {
        while (!isOver) await stage.fetchMany({ requests: 20, concurrency: 10 }).catch(() => {});
      })();
      await eventuallyHolds(async () => assert.ok(asSample(director.sample).rates.inPackets > 0));
      const ended = await director.stop(signal);
      isOver = true;
      assert.deepEqual(ended, signal === 'SIGTERM' ? { code: 0, signal: null } : { code: null, signal });
      if (signal === 'SIGTERM') assert.equal(await hostState(stage.director), before);
      await start();
      await load;
      const { failures } = await stage.fetchMany({ requests: 30, concurrency: 10 });
      assert.deepEqual(failures, []);
    });
  }

  it('goes on when the clock jumps: rates, statistics and its end', async () => {
    process.env.NODE_OPTIONS = `--import="${JUMPING}"`;
    const director = await start();
    delete process.env.NODE_OPTIONS;
    const seen: number[] = [];
    const jumps = new Set<number>();
    director.onSample((sample) => {
      seen.push(asSample(sample).rates.inPackets);
      jumps.add(Math.round((asSample(sample).atMs - Date.now()) / 3_600_000));
    });
    await stage.fetchMany({ requests: 30, concurrency: 10 });
    await eventuallyHolds(async () => assert.ok(seen.length >= 4 && seen.some((rate) => rate > 0)));
    assert.ok(seen.every((rate) => Number.isFinite(rate) && rate >= 0 && rate < 1e6));
    assert.ok([...jumps].some((hours) => hours !== 0));
    assert.deepEqual(await director.stop('SIGTERM'), { code: 0, signal: null });
  });
});
