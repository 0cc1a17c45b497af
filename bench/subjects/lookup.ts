/**
 * Measures lookups alone, 64 at a time, all of which hit: in tunvs's table, and in its peers of that size. Each table
 * is a program of its own, compiled before the first run, and all take turns in each run, so that ratios are of one
 * time. A peer whose library is missing is left out, with a note that names the package.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Figures, OpenSubject } from '../subject.js';
import { HERE } from '../trial-process.js';
import { pinned } from './device.js';
import { compilerArguments, type LookupTable, missingLibrary, type TableName, tables } from './lookup/tables.js';

export interface LookupTrial {
  entries: number;
}

const run = promisify(execFile);
const names = Object.keys(tables) as TableName[];

export const openLookup: OpenSubject<LookupTrial> = async ({ entries }, { isQuick }) => {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-lookup-'));
  const close = async () => rmSync(folder, { recursive: true, force: true });
  try {
    const notes: string[] = [];
    const programs = new Map<TableName, string>();
    for (const name of names) {
      const missing = missingLibrary(name, tables[name], hasLibrary, hasHeader);
      if (missing) notes.push(missing);
      else programs.set(name, await compile(name, join(folder, name)));
    }
    const measure = async (program: string, lookups: number, seed: number) => {
      const [file = '', ...args] = pinned(availableParallelism() - 1, [
        ...[program, `${entries}`, `${lookups}`, `${seed}`],
      ]);
      return JSON.parse((await run(file, args)).stdout) as { nsPerLookup: number; hugeShare: number; table: string };
    };
    for (const [name, program] of programs) notes.push(`${name}: ${(await measure(program, 2 ** 16, 1)).table}`);
    return {
      notes,
      async run(index): Promise<Figures> {
        const lookups = 2 ** (isQuick ? 18 : 22);
        // The order is turned round in every other run, so that drift affects all alike.
        const order = index % 2 === 0 ? [...programs] : [...programs].reverse();
        const ns: Partial<Record<TableName, number>> = {};
        const huge: number[] = [];
        for (const [name, program] of order) {
          const { nsPerLookup, hugeShare } = await measure(program, lookups, index + 2);
          ns[name] = nsPerLookup;
          huge.push(hugeShare);
        }
        return { ...figures(ns), leastHugePagesShare: Math.min(...huge) };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** Each table's time, and how many times as fast tunvs's is. */
export function figures(ns: Partial<Record<TableName, number>>): Figures {
  const { tunvs } = ns;
  if (tunvs === undefined) throw new Error('there is no time of tunvs, so the run does not count');
  return Object.fromEntries([
    ...Object.entries(ns).map(([name, each]) => [`${name}NsPerLookup`, each]),
    ...Object.entries(ns)
      .filter(([name]) => name !== 'tunvs')
      .map(([name, each]) => [`ratioTo${name.charAt(0).toUpperCase()}${name.slice(1)}`, each / tunvs]),
  ]);
}

async function compile(name: TableName, output: string): Promise<string> {
  const { library }: LookupTable = tables[name];
  const said = (what: string) => (library === undefined ? [] : packageConfig(what, library).stdout.split(/\s+/));
  const words = (what: string) => said(what).filter((word) => word !== '');
  await run('c++', compilerArguments(HERE, name, output, words('--cflags'), words('--libs')));
  return output;
}

function packageConfig(what: string, library: string) {
  return spawnSync('pkg-config', [what, library], { encoding: 'utf8' });
}

function hasLibrary(library: string): boolean {
  return packageConfig('--exists', library).status === 0;
}

function hasHeader(header: string): boolean {
  const { status } = spawnSync('c++', ['-fsyntax-only', '-x', 'c++', '-include', header, '/dev/null']);
  return status === 0;
}
