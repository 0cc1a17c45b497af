/** Which programs there are, and their versions. */
import { spawnSync } from 'node:child_process';
import { hasProgram } from '../../../test/support/has-program.js';
import type { Peer } from './peer.js';

/** Returns a sentence with the mend; undefined: all are there. */
export function missingPrograms(programs: Readonly<Record<string, string>>): string | undefined {
  const missing = Object.entries(programs).filter(([program]) => !hasProgram(program));
  if (missing.length === 0) return undefined;
  const names = missing.map(([program]) => program).join(' and ');
  const packages = missing.map(([, name]) => name).join(' ');
  return `there is no program ${names}; install it with "apt-get install ${packages.replaceAll(' and ', ' ')}"`;
}

/** Its version and how it is configured. */
export function describePeer({ versionCommand, configuration }: Peer): string {
  if (!versionCommand) return configuration;
  const [file = '', ...args] = versionCommand;
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 10_000 });
  const [version = ''] = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n');
  return `${version}; ${configuration}`;
}
