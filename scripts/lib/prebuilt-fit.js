/** Whether the prebuilt binary for this machine can be used, found out by loading it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prebuiltPath, prebuiltPlatforms, sourcesProblem } from './prebuilt.js';
import { root } from './run.js';

const LIMIT_MS = 60_000;

/** npm's own word for it: `npm install --build-from-source`, for all packages or for those that it names. */
function isSourceWanted() {
  const wanted = (process.env.npm_config_build_from_source ?? '').split(',');
  return wanted.includes('true') || wanted.includes('tunvs');
}

/** Why none can be used, as a clause; undefined when one can. */
export async function unfitReason() {
  if (isSourceWanted()) return 'a build from source is asked for';
  const platform = `${process.platform}-${process.arch}`;
  const problem = sourcesProblem();
  if (problem) return `${problem} in this package`;
  if (!prebuiltPlatforms.includes(platform)) return `no binary is prebuilt for ${platform}`;
  const { isForGlibc } = await import(pathToFileURL(join(root, 'dist', 'lib', 'native', 'binary.js')));
  if (!isForGlibc(process.execPath))
    return 'the prebuilt binaries are for glibc, and node is linked with another C library here';
  return loadProblem(prebuiltPath(platform));
}

/** In a process of its own, which a binary that does not fit may take down. */
function loadProblem(path) {
  if (!existsSync(path)) return `${path} is missing`;
  const load = ['-e', 'require(process.argv[1])', path];
  const { status, signal, stderr } = spawnSync(process.execPath, load, { encoding: 'utf8', timeout: LIMIT_MS });
  if (status === 0) return undefined;
  const said = signal ?? (/^Error: (.*)$/m.exec(stderr)?.[1] || `exit code ${status}`);
  return `the prebuilt binary cannot be loaded here (${said})`;
}
