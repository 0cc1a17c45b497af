/** What a binary asks of the machine that loads it. */
import { spawnSync } from 'node:child_process';
import { Failure } from './run.js';

function readelf(...args) {
  const { status, stdout, stderr, error } = spawnSync('readelf', ['--wide', ...args], { encoding: 'utf8' });
  if (error || status !== 0) throw new Failure(`readelf ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

const isAbove = (version, floor) => {
  const [a, b] = [version, floor].map((text) => text.split('.').map(Number));
  return a[0] !== b[0] ? a[0] > b[0] : (a[1] ?? 0) > (b[1] ?? 0);
};

/**
 * Its machine, the libraries that it names, the symbols that it takes from others (`required`: and does not
 * do without), and those that it has for them.
 */
export function readBinary(path) {
  const symbols = readelf('--dyn-syms', path)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => /^\d+:$/.test(columns[0]) && columns[7]);
  const names = (isWanted) => symbols.filter(isWanted).map((columns) => columns[7]);
  return {
    machine: /Machine:\s+(.*)/.exec(readelf('--file-header', path))[1],
    needed: [...readelf('--dynamic', path).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name),
    imported: names((columns) => columns[6] === 'UND'),
    required: names((columns) => columns[6] === 'UND' && columns[4] === 'GLOBAL'),
    exported: names((columns) => columns[6] !== 'UND' && columns[4] !== 'LOCAL'),
  };
}

/** The imported symbols that a glibc of version `floor` does not have. */
export const aboveFloor = ({ imported }, floor) =>
  imported.filter((name) => {
    const version = /@GLIBC_([\d.]+)$/.exec(name)?.[1];
    return version !== undefined && isAbove(version, floor);
  });
