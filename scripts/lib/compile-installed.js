/** Compiles the native part of an installed package; a Failure says in its last line what is wanting. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFailure, missingTools } from './compile-failure.js';
import { compileProgress } from './compile-progress.js';
import { nodeGyp } from './node-gyp.js';
import { collect, root } from './run.js';
import { StepLine } from './step-line.js';

export async function compileInstalled() {
  const log = { text: '' };
  const missing = missingTools();
  if (missing.length > 0) throw compileFailure({ missing });

  await run('configuring the native part', log, nodeGyp('configure'), { isConfiguring: true });
  const folder = join(root, 'build');
  const width = process.env.JOBS === '1' ? 1 : availableParallelism();
  const build = nodeGyp('build', '-j', String(width), 'tunvs');
  await run('compiling the native part', log, build, { progress: compileProgress(folder, ['tunvs']) });
  // As large as the rest of the package together, and of no use any more.
  for (const name of ['unity', join('Release', 'obj.target'), join('Release', '.deps')])
    rmSync(join(folder, name), { recursive: true, force: true });
}

/** A step whose output is kept in a file when it fails: npm removes the package's folder then. */
async function run(title, log, [command, args], { progress, isConfiguring } = {}) {
  const line = new StepLine(title);
  const onOutput = progress && ((chunk) => line.show(progress(chunk)));
  const { status, output } = await collect(command, args, { onOutput });
  line.end();
  log.text += output;
  if (status === 0) return console.log(`${title}: done`);
  throw compileFailure({ output, isConfiguring, logPath: kept(log) });
}

/** The file that holds what was written; undefined where there is no room for one. */
function kept(log) {
  try {
    const path = join(mkdtempSync(join(tmpdir(), 'tunvs-install-')), 'gyp.log');
    writeFileSync(path, log.text);
    return path;
  } catch {
    return undefined;
  }
}
