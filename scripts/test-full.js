/**
 * npm run test:full runs what `npm test` leaves out because it needs more programs: formatters, sanitizers, fuzzers,
 * the package as it is installed, the examples, and tests against real servers and captures (test/full).
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildSanitized, fuzzTargets, sanitizerWrapper } from './lib/cmake.js';
import { targets } from './lib/cross.js';
import { ensureBuilt } from './lib/ensure-built.js';
import { runFuzzTarget } from './lib/fuzzing.js';
import { linters } from './lib/linting.js';
import { inTurn } from './lib/in-turn.js';
import { areIsolated, isolated } from './lib/namespace.js';
import { headersFolder } from './lib/node-gyp.js';
import { allPrograms, installPrograms, installSentence } from './lib/programs.js';
import { checkRequirements } from './lib/requirements.js';
import { finish, record } from './lib/results.js';
import { Failure, collect, inParallel, main, root } from './lib/run.js';
import { mochaTests, nativeTests, runMocha, secondChance, testFiles } from './lib/suites.js';

const crossCompilers = targets.map(({ triplet }) => `${triplet}-g++`);
const width = availableParallelism();
const exampleLimitMs = 60_000;
const randomLimitMs = 600_000;
const exampleSeconds = 8; // then an example that still runs is asked to end, and must do so with status 0

/** Runs a program whose exit status is the whole result. */
async function check(name, command, args, options) {
  const { status, output } = await collect(command, args, options);
  if (status !== 0) console.log(output);
  record({ name, [status === 0 ? 'passed' : 'failed']: 1 });
}

const lintChecks = () =>
  Object.entries(linters).map(
    ([name, command]) =>
      () =>
        check(name, ...command({ write: false })),
  );

/** Checks clang's view of the addon, and that cmake-js builds it. */
function cmakeJs() {
  const folder = headersFolder();
  const args = ['build', '--prefer-clang', '--prefer-make', '--config', 'Debug', '--target', 'tunvs'];
  return check(
    'cmake-js with clang',
    process.execPath,
    [
      join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js'),
      ...args,
      '--directory',
      'native',
      '--out',
      'build/cmake-js',
    ],
    {
      env: { ...process.env, CMAKE_BUILD_PARALLEL_LEVEL: String(width), ...(folder && { npm_config_nodedir: folder }) },
    },
  );
}

async function sanitizersAndFuzzers(results) {
  const [asan, tsan] = [await buildSanitized('asan'), await buildSanitized('tsan', ['tunvs_native_tests'])];
  const wrapper = sanitizerWrapper();
  const runs = [
    [
      'native tests, ASan and UBSan',
      asan,
      { ASAN_OPTIONS: 'detect_stack_use_after_return=1', UBSAN_OPTIONS: 'print_stacktrace=1' },
    ],
    ['native tests, TSan', tsan, { TSAN_OPTIONS: 'second_deadlock_stack=1' }],
  ];
  const test = ([name, folder, environment]) =>
    nativeTests(name, join(folder, 'tunvs_native_tests'), { environment, wrapper });
  results.push(
    ...(await inParallel(
      width,
      runs.map((run) => () => test(run)),
    )),
  );
  await inParallel(
    width,
    fuzzTargets().map((name) => () => runFuzzTarget(asan, name)),
  );
}

async function sources(absent) {
  await withPrograms(absent, ['clang-format'], 'formatting', () => inParallel(width, lintChecks()));
  await withPrograms(absent, ['clang'], "the fast path's program", () =>
    check("the fast path's program is what its source gives", process.execPath, [
      join(root, 'scripts', 'bpf.js'),
      '--check',
    ]),
  );
  await check('API pages', process.execPath, [join(root, 'scripts', 'docs.js'), '--check']);
}

async function packaging(absent, write) {
  // Without cross compilers the package is packed all the same, and compiled where it is installed.
  await withPrograms(absent, crossCompilers, 'prebuilt binaries', () =>
    check('prebuilt binaries', process.execPath, [join(root, 'scripts', 'prebuild.js')]),
  );
  // This runs outside of any namespace, because npm needs the network.
  await withPrograms(absent, [], 'packaging', () =>
    runMocha('packaging', testFiles('test/packaging'), { isMochaIsolated: false, write }),
  );
}

async function examples() {
  for (const file of testFiles('examples', () => true)) {
    const asked = ['--signal=TERM', '--preserve-status', `${exampleSeconds}`, process.execPath, file];
    const [command, args, env] = isolated('timeout', asked);
    await check(`${file} runs`, command, args, { env, limitMs: exampleLimitMs });
  }
}

/**
 * Runs a part when its programs are here. What is missing is a failure on a build server, and is skipped elsewhere. A
 * part that breaks off does not keep the others from running.
 */
async function withPrograms(absent, names, title, part) {
  const wanting = names.filter((name) => absent.includes(name));
  if (wanting.length > 0) {
    console.log(`${title}: ${await installSentence(wanting)}`);
    return record({ name: title, [process.env.CI ? 'failed' : 'skipped']: 1 });
  }
  try {
    await part();
  } catch (error) {
    console.log(error instanceof Failure ? error.message : error);
    record({ name: title, failed: 1 });
  }
}

/** Tests by the programs that they need, so that one that lacks keeps no other from running. */
function realPrograms() {
  const all = testFiles('test/full');
  const of = (...names) => all.filter((path) => names.some((name) => path.endsWith(`/${name}.test.js`)));
  const fast = of('golden-fast-path', 'golden-fast-path-bytes', 'fast-path-churn');
  const fleet = of('fleet', 'fleet-cluster');
  const several = of('announced-bird', 'ecmp-hash', 'ecmp-sync', 'role-keepalived', 'role-peers', 'role-sync');
  const apart = [...of('prometheus', 'ldirectord', 'checked-servers'), ...fleet, ...several, ...fast];
  // These run here because `npm test` does without nft, and passes over what needs systemd-analyze.
  const marks = testFiles('test/netns', (path) => path === 'mark-devices.test.js');
  const unit = testFiles('test/unit', (path) => path === 'service-unit.test.js');
  const servers = ['tcpdump', 'tshark', 'curl', 'ethtool', 'nft'];
  const checked = ['nginx', 'haproxy', 'dnsmasq', 'aiosmtpd', 'curl'];
  return [
    ['real servers and captures', servers, [...all.filter((path) => !apart.includes(path)), ...marks]],
    ['several directors', ['curl', 'keepalived', 'bird'], several],
    ['health of real servers', checked, of('checked-servers')],
    ['the fast path against recordings and under churn', ['nft'], fast],
    ['Prometheus', ['promtool'], of('prometheus')],
    ['ldirectord', ['ldirectord'], of('ldirectord')],
    ['a fleet by etcd', ['etcd'], fleet],
    ['the systemd unit', ['systemd-analyze'], unit],
  ];
}

/** Runs the tests of `npm test` that take random inputs once more, with TUNVS_FUZZ_TIMES as many. */
function randomInputs(run, write) {
  const asks = (path) => readFileSync(join(root, 'dist', 'test', 'unit', path), 'utf8').includes('fuzzRuns(');
  const times = process.env.TUNVS_FUZZ_TIMES ?? '5';
  return run(
    'random inputs',
    testFiles('test/unit', (path) => path.endsWith('.test.js') && asks(path)),
    { args: ['--timeout', String(randomLimitMs)], environment: { TUNVS_FUZZ_TIMES: times }, write },
  );
}

/** Labs that open directors themselves: nothing that they see may depend on who carries the packets. */
function labsOfDirectors() {
  const labs = ['drain-and-removal', 'fragments', 'ipv6', 'lan', 'local-node', 'mark-devices', 'mixed-pool'];
  labs.push('path-mtu', 'persistence', 'pin', 'ping-and-traceroute', 'policies', 'route-mtu', 'schedulers', 'sctp');
  labs.push('tunnels');
  return testFiles('test/netns', (path) => labs.some((lab) => path === `${lab}.test.js`));
}

/** Once more with programs in the kernel at both ends. */
function fastLabs(run, write) {
  const environment = { TUNVS_TEST_FAST_PATH: 'auto', TUNVS_TEST_REAL_SERVER_MODE: 'bpf' };
  return run('labs with programs in the kernel', labsOfDirectors(), { environment, write });
}

/** And with a ring. */
function ringLabs(run, write) {
  const files = labsOfDirectors().filter((path) => !path.endsWith('mark-devices.test.js'));
  return run('labs with rings', files, { environment: { TUNVS_TEST_RINGS: 'eth0' }, write });
}

await main(async () => {
  checkRequirements();
  const absent = await installPrograms(allPrograms);
  const results = []; // of what has a second chance
  await ensureBuilt({ tests: true });
  const run = async (...given) => results.push(await mochaTests(...given));
  // What compiles waits for its slowest file at times, what installs packages for one thing after another, and labs most
  // of the time. So one part more than there are processors keeps these busy. The longest come first.
  const parts = [
    () => withPrograms(absent, ['clang', 'cmake'], 'sanitizers and fuzzers', () => sanitizersAndFuzzers(results)),
    (write) => packaging(absent, write),
    () => withPrograms(absent, ['clang', 'cmake'], 'cmake-js', cmakeJs),
    () => sources(absent),
    (write) => withPrograms(absent, [], 'random inputs', () => randomInputs(run, write)),
    (write) => withPrograms(absent, ['nft'], 'labs with programs in the kernel', () => fastLabs(run, write)),
    (write) => withPrograms(absent, ['nft'], 'labs with rings', () => ringLabs(run, write)),
    ...realPrograms()
      .filter(([, , files]) => files.length > 0)
      .map(
        ([title, programs, files]) =>
          (write) =>
            withPrograms(absent, programs, title, () => run(title, files, { write })),
      ),
    () => examples(),
  ];
  await inTurn(areIsolated() ? width + 1 : 1, parts);
  for (const counts of await secondChance(results)) record(counts);
  finish();
});
