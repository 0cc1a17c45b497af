/** Checks what building and testing need of the machine; names each missing thing with the command that mends it. */
import { accessSync, constants, existsSync } from 'node:fs';
import { Failure, hasProgram, root } from './run.js';

const lowestNode = [20, 19];

const programs = [
  { name: 'python3', use: 'node-gyp, which builds the native part, needs Python 3', debian: 'python3' },
  { name: 'make', use: 'the native part is built with make', debian: 'make' },
  { name: 'g++', variable: 'CXX', use: 'the native part is C++20', debian: 'g++' },
];

const iproute2 = { name: 'ip', use: 'devices and network namespaces are set up through ip(8)', debian: 'iproute2' };

function missingSentence({ name, use, debian }) {
  return `${name} is missing: ${use}; install it with: apt-get install ${debian}`;
}

/** Throws one Failure that names all that is missing. */
export function checkRequirements({ needsIp = true } = {}) {
  const problems = [];
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < lowestNode[0] || (major === lowestNode[0] && minor < lowestNode[1])) {
    problems.push(`node is ${process.version}: tunvs needs ${lowestNode.join('.')} or newer; see https://nodejs.org`);
  }
  for (const program of needsIp ? [...programs, iproute2] : programs) {
    const isChosen = program.variable && process.env[program.variable];
    if (!isChosen && !hasProgram(program.name)) problems.push(missingSentence(program));
  }
  try {
    accessSync(root, constants.W_OK);
  } catch {
    problems.push(`${root} is not writable, and the build writes there; copy it to a folder of your own`);
  }
  if (problems.length > 0) throw new Failure(problems.join('\n'));
}

/** Returns a sentence when devices cannot be made here, else undefined. Tests that need a device skip themselves. */
export function tunProblem() {
  const device = '/dev/net/tun';
  const effect = 'so nothing that opens a device can run';
  if (!existsSync(device)) {
    return `${device} is missing, ${effect}; mend it with: modprobe tun (in a container: --device ${device})`;
  }
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `this user may not open ${device}, ${effect}; mend it as root with: chmod 0666 ${device}`;
  }
}
