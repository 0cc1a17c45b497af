/**
 * Datagrams that are torn at random are sent twice: to a kernel that has the virtual address itself, and through a
 * director to two real servers with the same kernel. Both times the same datagrams arrive and the same errors come
 * back, except for the differences below, which are those of docs/differences.md.
 *
 * TUNVS_FUZZ_SEED and TUNVS_FUZZ_RUNS choose other datagrams and how many. A failure names the seed and the least case.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describeLab } from '../support/lab.js';
import { KernelStack } from '../support/kernel-stack.js';
import { DIFFERENCES, differencesOf } from '../support/torn-differences.js';
import { DirectorBeforeKernel, outcomeOf, type TornOutcome } from '../support/torn-outcomes.js';
import { packetsOf, type TornCase, tornCase } from '../support/torn-datagrams.js';

const SEED = Number(process.env.TUNVS_FUZZ_SEED ?? 8);
const RUNS = Number(process.env.TUNVS_FUZZ_RUNS ?? 1500);

describeLab('torn datagrams', () => {
  let alone: KernelStack;
  let behind: DirectorBeforeKernel;
  let sent = 0;

  before(async () => {
    alone = await KernelStack.open();
    behind = await DirectorBeforeKernel.open();
  });

  after(async () => {
    await alone?.[Symbol.asyncDispose]();
    await behind?.[Symbol.asyncDispose]();
  });

  it('differ only where docs/differences.md says so', () => {
    const page = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8');
    for (const { row } of DIFFERENCES)
      assert.ok(page.includes(`\n- **${row}`), `docs/differences.md has no row "${row}"`);
  });

  it(`arrive and are answered as by the kernel itself, seed ${SEED}`, async () => {
    const seen = { delivered: 0, answered: 0, packets: 0 };
    await fc.assert(
      fc.asyncProperty(tornCase, async (torn) => {
        const number = ++sent;
        const packets = packetsOf(torn, number);
        const expected = outcomeOf(await alone.take(packets.map(({ bytes }) => bytes)));
        const { outcome, verdicts } = await behind.take(packets);
        seen.packets += packets.length;
        seen.delivered += expected.delivered.length;
        seen.answered += expected.errors.length;
        compare(torn, expected, outcome, verdicts);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    console.log(`      ${sent} cases, ${JSON.stringify(seen)}`);
    assert.ok(seen.delivered > RUNS / 4 && seen.answered > RUNS / 50);
  });
});

function compare(torn: TornCase, expected: TornOutcome, actual: TornOutcome, verdicts: readonly string[]): void {
  const { rows, allowed } = differencesOf(torn);
  const outcomes = JSON.stringify({ verdicts, rows, kernel: expected, director: actual }, null, 1);
  const isNothing = (list: readonly string[], what: string) => assert.deepEqual(list, [], `${what}: ${outcomes}`);
  if (!allowed.more) isNothing(without(actual.delivered, expected.delivered), 'more arrives');
  if (!allowed.fewer) isNothing(without(expected.delivered, actual.delivered), 'less arrives');
  if (!allowed.otherErrors) isNothing(without(actual.errors, expected.errors), 'more is answered');
  if (!allowed.silence && !allowed.fewer) isNothing(without(expected.errors, actual.errors), 'less is answered');
}

/** Returns what is in `left` and not in `right`, each as often. */
function without(left: readonly string[], right: readonly string[]): string[] {
  const rest = [...right];
  return left.filter((each) => {
    const at = rest.indexOf(each);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
