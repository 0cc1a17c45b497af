/**
 * Plays recordings of IPVS through a director on a device: without the fast path, with it at the device's egress, and
 * with it where packets come in. All have to do what IPVS did, packet by packet, and to count the same.
 */
import { strict as assert } from 'node:assert';
import { readGoldenJson } from '../support/golden.js';
import { outcomeOf, type Trace, traceFiles } from '../support/golden-trace.js';
import { GoldenWire, MODES, isPause, type Played, playable } from '../support/golden-wire.js';
import { fastPathProblem } from '../support/fast-path.js';
import { describeLab } from '../support/lab.js';

/** How many of the recordings have to be played. */
const LEAST_PLAYED = 140;
/** Of the packets that follow in an established connection, this part at least goes by the program in the kernel. */
const LEAST_FAST = 0.6;
/** How many such packets there have to be. */
const LEAST_FURTHER = 9_000;

const traces = traceFiles.map((file) => ({ file, trace: readGoldenJson(file) as Trace }));
/** Where the scheduler is random, a recording has shares, and no packets. */
const playedTraces = traces.filter(({ trace }) => trace.distribution === undefined);
/** These wait for timers of a few seconds, so they are played beside each other. */
const [waiting, prompt] = [true, false].map((waits) =>
  playedTraces.filter(({ trace }) => trace.packets.some(isPause) === waits),
) as [typeof traces, typeof traces];

const problem = fastPathProblem();
const modes = problem === undefined ? MODES : (['off'] as const);

describeLab(
  `recordings of IPVS on a device${problem === undefined ? '' : ` (without the fast path: ${problem})`}`,
  () => {
    const further: Record<string, Further> = {};
    let wires: GoldenWire[] = [];

    before(async () => {
      wires = await openWires();
    });

    after(async () => {
      await Promise.all(wires.map((wire) => wire.close()));
      wires = [];
    });

    const leftOut = traces.length - playedTraces.length;
    it(`are played: ${playedTraces.length}, and not the ${leftOut} whose scheduler is random`, () => {
      assert.ok(playedTraces.length >= LEAST_PLAYED, `${playedTraces.length} are played`);
    });

    for (const { file, trace } of prompt) {
      it(`are followed in every mode: ${file}`, () => follow(file, trace, wires));
    }

    it(`are followed in every mode where they wait for timers: ${waiting.length} of them`, async () => {
      const each = await Promise.all(
        waiting.map(async ({ file, trace }) => ({ file, trace, wires: await openWires() })),
      );
      try {
        await Promise.all(each.map(({ trace, wires, file }) => follow(file, trace, wires)));
      } finally {
        await Promise.all(each.flatMap(({ wires }) => wires.map((wire) => wire.close())));
      }
    });

    async function follow(file: string, trace: Trace, wires: readonly GoldenWire[]): Promise<void> {
      const all = await allOf(wires.map((wire) => wire.play(trace)));
      for (const [index, one] of all.entries()) {
        const mode = modes[index] ?? '';
        assertFollowed(trace, one, `${file} ${mode}`);
        for (const { row, chosen } of one.more)
          assert.deepEqual(chosen, [chosenIn(trace, row)], `${file} ${mode}: behind row ${row}`);
        further[mode] = sum(further[mode], { packets: one.furtherPackets, fast: one.fast });
      }
      assertCountsAgree(all);
    }

    it('go by the program in the kernel for the most part, once a connection is established', () => {
      for (const [mode, { packets, fast }] of Object.entries(further)) {
        assert.ok(packets >= LEAST_FURTHER, `${mode}: ${packets} packets followed`);
        if (mode === 'off') assert.equal(fast, 0);
        else assert.ok(fast >= packets * LEAST_FAST, `${mode}: ${fast} of ${packets} packets were fast`);
      }
    });
  },
);

/** Waits for all of them also where one fails, so that the next recording finds every wire free. */
async function allOf(playing: readonly Promise<Played>[]): Promise<Played[]> {
  await Promise.allSettled(playing);
  return Promise.all(playing);
}

function openWires(): Promise<GoldenWire[]> {
  return Promise.all(modes.map((mode) => GoldenWire.open(mode)));
}

interface Further {
  packets: number;
  /** Of them, those that the program in the kernel sent on. */
  fast: number;
}

function sum(left: Further | undefined, right: Further): Further {
  return { packets: (left?.packets ?? 0) + right.packets, fast: (left?.fast ?? 0) + right.fast };
}

function assertFollowed(trace: Trace, { rows }: Played, mode: string): void {
  for (const [index, row] of playable(trace).entries()) {
    if ('event' in row) continue;
    const expected = 'snapshot' in row ? row.snapshot : outcomeOf(row);
    assert.deepEqual(rows[index], expected, `${mode}, row ${index}: ${JSON.stringify(row)}`);
  }
}

function chosenIn(trace: Trace, row: number): string | null | undefined {
  const packet = trace.packets[row];
  return packet !== undefined && 'chosen' in packet ? packet.chosen : undefined;
}

function assertCountsAgree(all: readonly Played[]): void {
  for (const [index, { counted }] of all.entries()) assert.deepEqual(counted, all[0]?.counted, modes[index]);
}
