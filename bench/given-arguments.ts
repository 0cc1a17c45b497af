/** The command line, which the script that builds and the program that measures read alike. */

export interface BenchArguments {
  words: string[];
  /** What to compare with; undefined: nothing is compared. */
  revision: string | undefined;
  runs: number;
  isQuick: boolean;
  jsonFile: string | undefined;
  outFolder: string | undefined;
  isList: boolean;
  isHelp: boolean;
}

interface Reader {
  HELP: string;
  /** Throws an error whose message names what is wrong. */
  benchArguments(args: readonly string[]): BenchArguments;
}

const READER = new URL('../../scripts/lib/bench-arguments.js', import.meta.url);

/** It is plain JavaScript, as it has to run before anything is compiled. */
export const loadReader = () => import(READER.href) as Promise<Reader>;
