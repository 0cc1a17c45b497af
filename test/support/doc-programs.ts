/** The programs of the documentation, each with what its page takes for granted, compiled as a user's would be. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DocBlock, ROOT, titleOf } from './doc-blocks.js';

export interface DocProgram {
  block: DocBlock;
  /** Compiled. */
  file: string;
}

/** Within the package, so that `tunvs` is the package itself. */
const FOLDER = new URL('build/doc-programs/', ROOT);

const ASSUMED: readonly [name: string, declaration: string][] = [
  ['source', `const source = '10.2.0.2';`],
  ['director', 'const director = Director.offline({ source, maxConnections: 1024 });'],
  [
    'web',
    `const web = director.addVirtualService({ protocol: 'tcp', address: '10.9.9.9', port: 80 });
web.addRealServer({ address: '10.2.0.11' });`,
  ],
];

export function programOf({ text }: DocBlock): string {
  const declares = (name: string) => new RegExp(`^(?:const|let) ${name}\\b`, 'm').test(text);
  const assumed = ASSUMED.filter(([name]) => !declares(name)).map(([, declaration]) => declaration);
  // A page's director comes after what it is opened with, and before what is added to it.
  const [before, behind] = declares('director') ? [assumed.slice(0, 1), []] : [assumed, []];
  return [
    `import { Director, type RealServer } from 'tunvs';`,
    'export type Used = RealServer;',
    ...before,
    text,
    ...behind,
    'await director.close();',
    `console.log('the end');`,
  ].join('\n');
}

export async function compileDocPrograms(blocks: readonly DocBlock[]): Promise<DocProgram[]> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const programs = blocks.map((block, index) => {
    const name = `program-${index + 1}`;
    writeFileSync(new URL(`${name}.ts`, FOLDER), `// ${titleOf(block)}\n${programOf(block)}\n`);
    return { block, file: fileURLToPath(new URL(`${name}.js`, FOLDER)) };
  });
  const options = {
    extends: '../../tsconfig.json',
    compilerOptions: { rootDir: '.', outDir: '.', incremental: false, tsBuildInfoFile: null, declaration: false },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(new URL('tsconfig.json', FOLDER), JSON.stringify(options));
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));
  const compiling = promisify(execFile)(process.execPath, [tsc, '--project', fileURLToPath(FOLDER)]);
  await compiling.catch(({ stdout, message }: Error & { stdout?: string }) => {
    throw new Error(`the programs do not compile:\n${stdout || message}`);
  });
  return programs;
}
