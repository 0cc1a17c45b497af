/** Makes the last line of an install whose native part cannot be compiled. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure } from './run.js';

const tools = [
  { name: 'python3', chosenBy: ['npm_config_python', 'NODE_GYP_FORCE_PYTHON', 'PYTHON'] },
  { name: 'make', chosenBy: ['MAKE'] },
  { name: 'g++', chosenBy: ['CXX'] },
];

const packages =
  'install them with "apt-get install python3 make g++" (Debian, Ubuntu), "dnf install python3 make gcc-c++" (Fedora) ' +
  'or "apk add python3 make g++ linux-headers" (Alpine), and run the same command again';

/** Looks without a shell, which may be missing where so much is. */
function isInPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The programs that compiling needs and that are not here. */
export function missingTools() {
  return tools
    .filter(({ name, chosenBy }) => !chosenBy.some((variable) => process.env[variable]) && !isInPath(name))
    .map(({ name }) => name);
}

const listed = (names) => names.join(', ').replace(/, ([^,]*)$/, ' and $1');

/** What any program writes, and what it means. */
const commonCauses = [[[/No space left on device|\bENOSPC\b|Disk quota exceeded/], () => 'the disk is full']];

/** What node-gyp writes when it configures. The first that is found counts. */
const configureCauses = [
  [[/Could not find any Python/i], () => `no Python that node-gyp can use was found; ${packages}`],
  [
    // The first is node-gyp's own, of whatever kind the error is. A code within a path says nothing.
    [
      /install got an error, rolling back install/,
      /(?<![\w/.-])(?:ENOTFOUND|ECONN\w+|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN)(?![\w/.-])/,
      /\bfetch failed\b/,
      /related to network connectivity/,
    ],
    () =>
      `the headers of node ${process.version} are not on this machine and could not be downloaded; name a folder that ` +
      'holds include/node with "npm install --nodedir=FOLDER"',
  ],
];

/** What make and the compiler write, likewise. */
const compilerCauses = [
  [
    [
      /(?:unrecogni[sz]ed command[ -]line option|invalid value).*(?:c|gnu)\+\+20/,
      /fatal error: '?(?:span|concepts|bit)'?(?::| file)/,
    ],
    () => 'the compiler does not know C++20; tunvs needs g++ 12 or clang 14, or newer, and takes the one in CXX',
  ],
  [
    // A compiler names what was killed; a shell and make write the word alone.
    [
      /fatal error: Killed signal|internal compiler error: Killed\b|unable to execute command: Killed/,
      /^(?:.*[:\]] )?Killed$/m,
      /: (?:out of memory|(?:virtual )?memory exhausted|cannot allocate memory)/i,
    ],
    () => 'the compiler ran out of memory; run the same command again with JOBS=1 in the environment',
  ],
];

/**
 * Explains what is missing, or the `output` of the step that failed, which `logPath` holds. `isConfiguring`: that step
 * was node-gyp's, which runs no compiler; it alone needs Python and the network.
 */
export function compileFailure({ missing = [], output = '', isConfiguring = false, logPath }) {
  const causes = [...commonCauses, ...(isConfiguring ? configureCauses : compilerCauses)];
  const cause =
    missing.length > 0
      ? `${listed(missing)} ${missing.length > 1 ? 'are' : 'is'} missing; ${packages}`
      : (causes.find(([patterns]) => patterns.some((pattern) => pattern.test(output)))?.[1]() ??
        'the compiler or node-gyp failed; a C++20 compiler (g++ 12 or clang 14, or newer), make and python3 are needed');
  const place = logPath ? `; the output of node-gyp is in ${logPath}` : '';
  return new Failure(`tunvs: the native part could not be compiled: ${cause}${place}`);
}
