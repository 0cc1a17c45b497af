/** The tables that lookup trials measure, and how the program of each is compiled. Thread safety: pure functions. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface LookupTable {
  /** As pkg-config calls the library. */
  library?: string;
  /** Of Debian. */
  package?: string;
  /** A header for the library that pkg-config does not know. */
  header?: string;
  /** Instead of those that pkg-config names, which may be many. */
  links?: readonly string[];
}

/** The first is the one that others are compared with. `ceiling` is no table, but what memory allows. */
export const tables = {
  tunvs: {},
  rteHash: { library: 'libdpdk', package: 'dpdk-dev', links: ['-lrte_hash', '-lrte_eal'] },
  absl: { library: 'absl_flat_hash_map', package: 'libabsl-dev' },
  boost: { header: 'boost/unordered/unordered_flat_map.hpp', package: 'libboost1.81-dev' },
  ceiling: {},
} as const satisfies Record<string, LookupTable>;

export type TableName = keyof typeof tables;

/** Returns a sentence with the mend when the library is not there. */
export function missingLibrary(
  name: string,
  table: LookupTable,
  hasLibrary: (library: string) => boolean,
  hasHeader: (header: string) => boolean,
): string | undefined {
  if (table.library === undefined && table.header === undefined) return undefined;
  if (table.library !== undefined && hasLibrary(table.library)) return undefined;
  if (table.header !== undefined && hasHeader(table.header)) return undefined;
  return `there is no library for ${name}; install it with "apt-get install pkg-config ${table.package}"`;
}

/** Returns the arguments of the compiler. `flags` and `links` are what pkg-config says. */
export function compilerArguments(
  tree: string,
  name: TableName,
  output: string,
  flags: readonly string[],
  links: readonly string[],
): string[] {
  const native = join(tree, 'native');
  const inFolder = (folder: string) =>
    readdirSync(join(native, folder))
      .filter((file) => /(?<!_test|_fuzz)\.cc$/.test(file))
      .map((file) => join(native, folder, file));
  const { links: own }: LookupTable = tables[name];
  return [
    // The library's own headers may want exceptions; everything else is as in binding.gyp.
    ...['-std=c++20', '-O3', '-DNDEBUG', '-w', '-pthread', `-I${native}`, ...flags],
    join(native, 'bench', 'peers', 'lookup_bench.cc'),
    join(native, 'bench', 'peers', `lookup_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}.cc`),
    ...[...inFolder('core'), ...inFolder('table'), join(native, 'engine', 'table_region.cc')],
    ...['-o', output],
    ...(own ? [...links.filter((each) => each.startsWith('-L')), ...own] : links),
  ];
}
