/** Says which revision of the sources the figures were taken from. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Revision {
  /** The commit's first 12 digits; `unknown` outside of a clone. */
  commit: string;
  /** Whether what is measured, or measures, differed from the commit. */
  isChanged: boolean;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MEASURED = ['lib', 'native', 'bench', 'binding.gyp', ':!bench/results'];

export function revision(folder = ROOT): Revision {
  const git = (...args: string[]) =>
    // The user of a namespace owns nothing there, which git would refuse.
    execFileSync('git', ['-c', 'safe.directory=*', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD');
    return { commit, isChanged: git('status', '--porcelain', '--', ...MEASURED) !== '' };
  } catch {
    return { commit: 'unknown', isChanged: true };
  }
}
