/**
 * npm run build:bpf: compiles the fast path's program (native/fastpath/bpf/fast_path.c) with clang into program.inc,
 * which is checked in. `--check` writes nothing, and fails when program.inc is not what the source gives.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBpfObject } from './lib/bpf-object.js';
import { Failure, collect, hasProgram, main, root } from './lib/run.js';

const folder = join(root, 'native', 'fastpath', 'bpf');
const output = join(folder, 'program.inc');
/** Debian keeps the kernel's <asm/...> headers in a folder of the machine's kind. */
const headers = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch];

async function compiled() {
  if (!hasProgram('clang')) throw new Failure('bpf: clang is missing; install it with: apt-get install clang');
  const place = mkdtempSync(join(tmpdir(), 'tunvs-bpf-'));
  try {
    const object = join(place, 'fast_path.o');
    const args = ['-target', 'bpf', '-mcpu=v3', '-O2', '-Wall', '-Werror', `-I/usr/include/${headers}`];
    const { status, output: said } = await collect('clang', [...args, '-c', join(folder, 'fast_path.c'), '-o', object]);
    if (status !== 0) throw new Failure(`bpf: clang failed:\n${said}`);
    return readBpfObject(readFileSync(object));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Another version of clang may give other instructions, which work as well. */
const clangVersion = () => / version (\d+)/.exec(spawnSync('clang', ['--version'], { encoding: 'utf8' }).stdout)?.[1];

const linesOf = (items, perLine) =>
  Array.from({ length: Math.ceil(items.length / perLine) }, (_, line) =>
    items.slice(line * perLine, (line + 1) * perLine).join(' '),
  ).join('\n    ');

function written({ instructions, references }) {
  const numbers = instructions.map((each) => `0x${each.toString(16).padStart(16, '0')},`);
  const places = references.map(({ instruction, map }) => `{${instruction}, &FastMapDescriptors::${map}},`);
  return `// Written by scripts/bpf.js from fast_path.c, with clang ${clangVersion()}: npm run build:bpf
// clang-format off
constexpr uint64_t kInstructions[] = {
    ${linesOf(numbers, 5)}
};
constexpr MapReference kMapReferences[] = {
    ${linesOf(places, 2)}
};
// clang-format on
`;
}

await main(async () => {
  const text = written(await compiled());
  const checkedIn = existsSync(output) ? readFileSync(output, 'utf8') : '';
  const madeWith = /with clang (\d+)/.exec(checkedIn)?.[1];
  if (!process.argv.includes('--check')) return writeFileSync(output, text);
  if (madeWith !== undefined && madeWith !== clangVersion())
    return console.log(`bpf: program.inc was made with clang ${madeWith}, so clang ${clangVersion()} can't check it`);
  if (checkedIn !== text) throw new Failure('bpf: program.inc is not what fast_path.c gives; run: npm run build:bpf');
});
