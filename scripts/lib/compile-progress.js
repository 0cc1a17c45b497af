/** Says how far a native build has come. */
import { spawnSync } from 'node:child_process';

const COMPILED = /^ *(?:CXX|CC)\(target\)/gm;

/** Turns make's output, piece by piece, into a text: how many of the files to compile were begun. */
export function compileProgress(folder, targets, env) {
  let total;
  let begun = 0;
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    begun += (lines.join('\n').match(COMPILED) ?? []).length;
    if (begun === 0) return undefined;
    // This is asked with the first file, because mostly there is nothing to compile.
    total ??= filesLeft(folder, targets, env);
    const of = Math.max(begun, total);
    return `file ${begun} of ${of}${of > 10 ? ', which takes some minutes on two cores' : ''}`;
  };
}

/** A file counts when it has begun, done or not. */
function filesLeft(folder, targets, env) {
  const { stdout } = spawnSync('make', ['-C', folder, '--dry-run', 'BUILDTYPE=Release', ...targets], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  // printf writes it there in this form.
  return (stdout?.match(/^printf .* +(?:CXX|CC)\(target\)/gm) ?? []).length;
}
