/** Runs the two kinds of test programs and records them: a native test binary and mocha. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isolated } from './namespace.js';
import { nativeCounts, record } from './results.js';
import { collect, handOver, root } from './run.js';

// Each test has a limit of its own. These limits end what hangs, and are long enough for any machine.
const nativeLimitMs = 900_000;
const mochaLimitMs = 1_500_000;

/** Runs a native test binary; `environment` holds sanitizer options, `wrapper` a program to run it under. */
export async function runNativeTests(name, binary, { environment = {}, wrapper = [], filter } = {}) {
  const [program, ...args] = [...wrapper, binary, ...(filter ? [filter] : [])];
  const [command, allArgs, env] = isolated(program, args, { ...process.env, ...environment });
  const { status, output } = await collect(command, allArgs, { env, limitMs: nativeLimitMs });
  const counts = nativeCounts(output, status);
  if (counts.failed > 0) console.log(output);
  record({ name, ...counts });
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

/** Runs mocha over `files`; `args` go to mocha (such as --grep WORDS). */
export async function runMocha(name, files, { args = [], isMochaIsolated = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-mocha-'));
  const counts = join(folder, 'counts.json');
  const mocha = [
    join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
    ...['--reporter', join(root, 'scripts', 'lib', 'mocha-reporter.js'), '--reporter-option', `counts=${counts}`],
    ...(process.stdout.isTTY ? [] : ['--no-color']),
    ...args,
    ...files,
  ];
  const [command, allArgs, env] = isMochaIsolated
    ? isolated(process.execPath, mocha)
    : [process.execPath, mocha, process.env];
  try {
    const status = await handOver(command, allArgs, { env, limitMs: mochaLimitMs });
    const written = existsSync(counts)
      ? JSON.parse(readFileSync(counts, 'utf8'))
      : { passed: 0, failed: 0, skipped: 0 };
    if (written.failed === 0 && (status !== 0 || written.passed + written.skipped === 0)) written.failed = 1;
    record({ name, ...written });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
