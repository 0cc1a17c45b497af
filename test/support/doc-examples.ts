/** The examples in the doc comments of lib/: found, and compiled against the package's types as a user's program is. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface DocExample {
  /** The file and what the comment is about: `lib/director/director.ts Director`. */
  name: string;
  code: string;
  /** It opens devices, so that it needs a host of its own. */
  opensDevice: boolean;
  /** The lines that it says it prints: what stands behind `console.log(...); // `. */
  prints: string[];
}

const COMMENT = /\/\*\*(?<text>(?:[^*]|\*(?!\/))*)\*\/\s*(?<declaration>[^\n]*)/g;
const EXAMPLE = /@example\s*```ts\n(?<code>.*?)```/gs;
const SUBJECT = /(?:class|function|interface|type|const) (\w+)|(\w+)[<(:]/;
const PRINTS = /console\.log\(.*\);? \/\/ (.*)$/gm;

/** Those of one source file. */
export function examplesOf(path: string, source: string): DocExample[] {
  return [...source.matchAll(COMMENT)].flatMap(({ groups }) => {
    const text = (groups?.text ?? '').replaceAll(/^ *\* ?/gm, '');
    const subject = SUBJECT.exec(groups?.declaration ?? '');
    return [...text.matchAll(EXAMPLE)].map((match) => example(`${path} ${subject?.[1] ?? subject?.[2]}`, match));
  });
}

function example(name: string, { groups }: RegExpMatchArray): DocExample {
  const code = groups?.code ?? '';
  const prints = [...code.matchAll(PRINTS)].map((match) => match[1] ?? '');
  return { name, code, prints, opensDevice: /\.open\(/.test(code) };
}

/** Those of all of lib/. */
export function docExamples(): DocExample[] {
  const paths = readdirSync(join(ROOT, 'lib'), { recursive: true }) as string[];
  const sources = paths.filter((path) => path.endsWith('.ts')).map((path) => join('lib', path));
  return sources.sort().flatMap((path) => examplesOf(path, readFileSync(join(ROOT, path), 'utf8')));
}

/** The text of all pages in docs/reference. */
export function referencePages(): string {
  const folder = join(ROOT, 'docs', 'reference');
  const paths = readdirSync(folder, { recursive: true }) as string[];
  const pages = paths.filter((path) => path.endsWith('.md'));
  return pages.map((path) => readFileSync(join(folder, path), 'utf8')).join('\n');
}

export interface CompiledExamples {
  /** What the compiler says about an example; empty when it compiles. */
  mistakes(example: DocExample): string[];
  /** The program that it has become. */
  program(example: DocExample): string;
  dispose(): void;
}

const STRICT = {
  compilerOptions: {
    ...{ strict: true, noUnusedLocals: true, module: 'nodenext', target: 'es2023' },
    ...{ lib: ['es2023', 'esnext.disposable'], types: ['node'] },
  },
};

/** Within the package, so that 'tunvs' is what a user imports under this name. */
export function compileExamples(examples: readonly DocExample[]): CompiledExamples {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build', 'doc-examples-'));
  const stem = (each: DocExample) => `example-${examples.indexOf(each)}`;
  for (const each of examples) writeFileSync(join(folder, `${stem(each)}.ts`), each.code);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(STRICT));
  const said = tsc(folder);
  return {
    mistakes: (each) => said.filter((line) => line.startsWith(`${stem(each)}.ts(`)),
    program: (each) => join(folder, `${stem(each)}.js`),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What it says about the programs in `folder`, a line each. */
function tsc(folder: string): string[] {
  const program = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, '--pretty', 'false', '--project', folder], {
    cwd: folder,
    encoding: 'utf8',
  });
  const said = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
  const isAbout = (line: string) => /^example-\d+\.ts\(/.test(line);
  if (!said.every(isAbout) || (status !== 0 && said.length === 0)) throw new Error(`tsc: ${stdout}${stderr}`);
  return said;
}
