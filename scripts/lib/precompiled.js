/** The standard headers compiled once in front of a native build, which takes about a third of its time away. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, step } from './run.js';

const HEADER = join(root, 'native', 'core', 'precompiled.h');

/** A file of each target, by which its flags are known. */
const EXAMPLES = {
  core: ['tunvs_core', 'core/inet'],
  addon: ['tunvs', 'binding/errors'],
  tests: ['tunvs_native_tests', 'core/inet_test'],
};

/**
 * Returns what make has to be told so that the build in `folder` uses them; nothing where the compiler is not GCC, or is
 * behind ccache, which keeps no results of theirs. `flags`: what those that make hands to the compiler come from, besides
 * the compiler's version. `targets`: the names of EXAMPLES that the build has. `env`: what make is run with.
 * REQUIRES: the build is configured.
 */
export async function precompiledHeaders(folder, flags, targets = Object.keys(EXAMPLES), env = process.env) {
  const compiler = env.CXX || 'g++';
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout ?? '';
  if (compiler.includes('ccache') || !version.includes('Free Software Foundation')) return {};
  const place = join(folder, 'precompiled');
  const header = join(place, 'std.h');
  const hash = createHash('sha256').update(JSON.stringify([version, flags, readFileSync(HEADER, 'utf8')]));
  const key = hash.digest('hex');
  const stamp = join(place, 'key');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== key) {
    rmSync(place, { recursive: true, force: true });
    const commands = targets.map((name) => [name, commandOf(folder, ...EXAMPLES[name], env)]);
    if (commands.some(([, command]) => command === undefined)) return {};
    mkdirSync(`${header}.gch`, { recursive: true });
    copyFileSync(HEADER, header);
    const script = commands.map(([name, command]) => `${command} -x c++-header ${header} -o ${header}.gch/${name}`);
    await step('compiling the standard headers', 'sh', ['-ec', script.join('\n')], { cwd: folder });
    writeFileSync(stamp, key);
  }
  return { CXXFLAGS: [`-include ${header}`, env.CXXFLAGS].filter(Boolean).join(' ') };
}

/** How make would compile a file, without the names of files. */
function commandOf(folder, target, file, env) {
  const object = `Release/obj.target/${target}/native/${file}.o`;
  const source = `../native/${file}.cc`;
  const args = ['--dry-run', `--what-if=${source}`, 'BUILDTYPE=Release', object];
  const { stdout = '' } = spawnSync('make', args, { cwd: folder, env, encoding: 'utf8' });
  const line = stdout
    .split('\n')
    .find((each) => each.includes(` -o ${object} ${source} `) && !each.startsWith('printf'));
  return line?.replace(` -o ${object} ${source} `, ' ').replace(/ -MMD -MF \S+| -c$/g, '');
}
