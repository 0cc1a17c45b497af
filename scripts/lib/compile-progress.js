/** How far a native build is. */
import { spawnSync } from 'node:child_process';

const COMPILED = /^ *(?:CXX|CC)\(target\)/gm;

/** Of make's output, piece by piece, to a text: how many of the files that have to be compiled are begun. */
export function compileProgress(folder, targets, env) {
  const { stdout = '' } = spawnSync('make', ['-C', folder, '--dry-run', 'BUILDTYPE=Release', ...targets], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  // As printf writes it there.
  const total = (stdout.match(/^printf .* +(?:CXX|CC)\(target\)/gm) ?? []).length;
  let begun = 0;
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    begun += (lines.join('\n').match(COMPILED) ?? []).length;
    if (begun === 0 || total === 0) return undefined;
    return `file ${Math.min(begun, total)} of ${total}${total > 50 ? ', which takes some minutes on two cores' : ''}`;
  };
}
