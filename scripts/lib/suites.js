/** Runs the two kinds of test programs and counts their tests: a native test binary and mocha. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isolated } from './namespace.js';
import { nativeCounts, record } from './results.js';
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
  return { name, ...counts };
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
      : { passed: 0, failed: 0, skipped: 0 };
    if (isStopped) write(`${stoppedSentence(name, limitMs, running)}\n`);
    const isEmpty = written.passed + written.skipped === 0;
    if (written.failed === 0 && (status !== 0 || (isEmpty && !mayBeEmpty))) written.failed = 1;
    return { name, ...written };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function runMocha(name, files, options) {
  record(await mochaTests(name, files, options));
}

function print(text) {
  process.stdout.write(text);
}
