/** Runs one fuzz target for a bounded time over its checked-in corpus (test/corpus/NAME). */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sanitizerWrapper } from './cmake.js';
import { record } from './results.js';
import { collect, root } from './run.js';

/** The target that goes through the whole director gets more time than those of single parsers. */
const defaultSeconds = (name) => (name === 'director_fuzz' ? 30 : 6);
const startAndStopMs = 60_000;

export async function runFuzzTarget(folder, name) {
  const title = `fuzz ${name}`;
  const seeds = join(root, 'test', 'corpus', name);
  if (!existsSync(seeds)) {
    console.log(`${title}: it has no seed corpus; put some inputs into test/corpus/${name}/`);
    return record({ name: title, failed: 1 });
  }
  const seconds = Number(process.env.TUNVS_FUZZ_SECONDS ?? defaultSeconds(name));
  const work = join(root, 'build', 'fuzz', name);
  mkdirSync(join(work, 'corpus'), { recursive: true });
  const [command, ...args] = [
    ...sanitizerWrapper(),
    join(folder, name),
    ...[`-max_total_time=${seconds}`, '-timeout=20', '-rss_limit_mb=3072', '-print_final_stats=1', '-verbosity=1'],
    `-artifact_prefix=${work}/`,
    join(work, 'corpus'), // comes first, because libFuzzer keeps what it finds there
    seeds,
  ];
  const { status, output } = await collect(command, args, { limitMs: seconds * 1000 + startAndStopMs });
  const inputs = Number(/number_of_executed_units:\s*(\d+)/.exec(output)?.[1] ?? 0);
  const isPassed = status === 0 && inputs > 0;
  if (!isPassed) console.log(output);
  record({ name: `${title} (${seconds} s, ${inputs} inputs)`, [isPassed ? 'passed' : 'failed']: 1 });
}
