/** Runs the two kinds of test programs and counts their tests: a native test binary and mocha. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isolated } from './namespace.js';
import { nativeCounts, nativeFailures, record } from './results.js';
import { collect, root } from './run.js';

/**
 * A program that says nothing for so long hangs: each test says when it begins or ends, and has a limit of its own, of
 * less than this where it compiles the package. A whole run has no limit, as no figure holds on every machine.
 */
const silenceMs = 1_200_000;

const stoppedSentence = (name, limitMs, test) =>
  `${name}: stopped, as it said nothing for ${limitMs / 1000} s${test ? `, in the test "${test}"` : ''}`;

/**
 * What a native test binary says of itself; `environment` holds sanitizer options, `wrapper` a program to run it under.
 * What it said goes to `write` when a test failed.
 */
export async function nativeTests(name, binary, options = {}) {
  const { environment = {}, wrapper = [], filter, limitMs = silenceMs, write = print } = options;
  const [program, ...args] = [...wrapper, binary, ...(filter ? [filter] : [])];
  const [command, allArgs, env] = isolated(program, args, { ...process.env, ...environment });
  const { status, output, isStopped } = await collect(command, allArgs, { env, silenceMs: limitMs });
  const counts = nativeCounts(output, status);
  if (counts.failed > 0) write(`${output}\n`);
  // A test's name stands before what it says; the last line is what collect() says of the stop.
  const said = output.trimEnd().split('\n').slice(0, -1);
  const test = said.findLast((line) => /^\S/.test(line));
  if (isStopped) write(`${stoppedSentence(name, limitMs, test)}\n`);
  const failures = isStopped ? [] : nativeFailures(output, counts.failed);
  const areAllTests = counts.failed > 0 && failures.every(({ isOfTest }) => isOfTest) && !filter;
  const again = () =>
    oneByOne(failures, ({ title }) => nativeTests(`${name}, again`, binary, { ...options, filter: title }));
  return { name, ...counts, ...(failures.length > 0 && { failures }), ...(areAllTests && { again }) };
}

/** Runs what failed, one after another, and sums what fails again. */
async function oneByOne(failed, run) {
  const sum = { failed: 0, failures: [] };
  for (const each of failed) {
    const second = await run(each);
    sum.failed += second.failed;
    sum.failures.push(...(second.failures ?? []));
  }
  return sum;
}

export async function runNativeTests(name, binary, options) {
  record(await nativeTests(name, binary, options));
}

const isTestFile = (path) => path.endsWith('.test.js');

/** Returns the compiled files below dist/FOLDER that `isWanted`, relative to the checkout. */
export function testFiles(folder, isWanted = isTestFile) {
  const place = join('dist', folder);
  if (!existsSync(join(root, place))) return [];
  return readdirSync(join(root, place), { recursive: true })
    .filter((path) => path.endsWith('.js') && isWanted(path))
    .map((path) => join(place, path))
    .sort();
}

/**
 * Runs mocha over `files`; `args` go to mocha (such as --grep WORDS). What mocha prints goes to `write` as it comes.
 * `environment` is added to that of this process.
 * `mayBeEmpty`: it is no failure that no test ran.
 */
export async function mochaTests(name, files, options = {}) {
  const { args = [], isMochaIsolated = true, limitMs = silenceMs, mayBeEmpty = false, write = print } = options;
  const given = { ...process.env, ...options.environment };
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-mocha-'));
  const counts = join(folder, 'counts.json');
  const mocha = [
    join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
    ...['--reporter', join(root, 'scripts', 'lib', 'mocha-reporter.js'), '--reporter-option', `counts=${counts}`],
    process.stdout.isTTY && !process.env.NO_COLOR ? '--color' : '--no-color',
    ...args,
    ...files,
  ];
  const [command, allArgs, env] = isMochaIsolated
    ? isolated(process.execPath, mocha, given)
    : [process.execPath, mocha, given];
  try {
    const { status, isStopped } = await collect(command, allArgs, { env, silenceMs: limitMs, onOutput: write });
    const { running, ...written } = existsSync(counts)
      ? JSON.parse(readFileSync(counts, 'utf8'))
      : { passed: 0, failed: 0, skipped: 0, failures: [] };
    if (isStopped) write(`${stoppedSentence(name, limitMs, running)}\n`);
    const isEmpty = written.passed + written.skipped === 0;
    if (written.failed === 0 && (status !== 0 || (isEmpty && !mayBeEmpty))) written.failed = 1;
    const { failures = [], failed } = written;
    const again = [...new Set(failures.map(({ file }) => file))];
    const areKnown = failed > 0 && failed === failures.length && !again.includes(undefined);
    return { name, ...written, ...(areKnown && { again: () => mochaTests(`${name}, again`, again, options) }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function runMocha(name, files, options) {
  record(await mochaTests(name, files, options));
}

/** More failures than these are no matter of time. */
const mostAgain = 8;

/**
 * Runs what failed once more, one part after another and nothing beside them: many tests wait for real programs, and a
 * machine that is busy may keep these longer than a test waits. Returns the results; what passed then counts as passed,
 * and is named. A part has an `again` when all that failed are tests that can be named: a crash, a sanitizer's report
 * or a stop has no second chance.
 */
export async function secondChance(results) {
  const after = [];
  for (const { again, ...result } of results) {
    const { failed, failures } = result;
    if (!again || failed > mostAgain) {
      after.push(result);
      continue;
    }
    const second = await again();
    const failedTwice = Math.min(failed, second.failed);
    const late = failedTwice === 0 ? failures.map(({ title }) => title) : [];
    const passed = result.passed + failed - failedTwice;
    after.push({ ...result, passed, failed: failedTwice, failures: second.failures, late });
  }
  return after;
}

function print(text) {
  process.stdout.write(text);
}
