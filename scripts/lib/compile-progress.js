/** How far a native build is. */
import { spawnSync } from 'node:child_process';

const COMPILED = /^ *(?:CXX|CC)\(target\)/gm;

/** Of make's output, piece by piece, to a text: how many of the files that have to be compiled are begun. */
export function compileProgress(folder, targets, env) {
  let total;
  let begun = 0;
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    begun += (lines.join('\n').match(COMPILED) ?? []).length;
    if (begun === 0) return undefined;
    // Asked for with the first: mostly there is nothing to compile.
    total ??= filesLeft(folder, targets, env);
    const of = Math.max(begun, total);
    return `file ${begun} of ${of}${of > 50 ? ', which takes some minutes on two cores' : ''}`;
  };
}

/** What is begun and not done yet counts. */
function filesLeft(folder, targets, env) {
  const { stdout } = spawnSync('make', ['-C', folder, '--dry-run', 'BUILDTYPE=Release', ...targets], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  // As printf writes it there.
  return (stdout?.match(/^printf .* +(?:CXX|CC)\(target\)/gm) ?? []).length;
}
