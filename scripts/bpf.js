/**
 * npm run build:bpf: compiles our BPF programs with clang, each into a program.inc beside it, which is checked in.
 * `--check` writes nothing, and fails when one is not what its source gives.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readBpfObject } from './lib/bpf-object.js';
import { Failure, collect, hasProgram, main, root } from './lib/run.js';

/** Each source below native/, and the C++ structure whose members are its maps. */
const programs = [
  { source: 'fastpath/bpf/fast_path.c', maps: 'FastMapDescriptors' },
  { source: 'realserver/bpf/decap.c', maps: 'DecapMapDescriptors' },
];
/** Debian keeps the kernel's <asm/...> headers in a folder of the machine's kind. */
const headers = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch];

async function compiled(source) {
  if (!hasProgram('clang')) throw new Failure('bpf: clang is missing; install it with: apt-get install clang');
  const place = mkdtempSync(join(tmpdir(), 'tunvs-bpf-'));
  try {
    const object = join(place, 'program.o');
    const includes = [`-I${join(root, 'native')}`, `-I/usr/include/${headers}`];
    const args = ['-target', 'bpf', '-mcpu=v3', '-O2', '-Wall', '-Werror', ...includes];
    const { status, output: said } = await collect('clang', [
      ...args,
      '-c',
      join(root, 'native', source),
      '-o',
      object,
    ]);
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

function written({ instructions, references }, { source, maps }) {
  const numbers = instructions.map((each) => `0x${each.toString(16).padStart(16, '0')},`);
  const places = references.map(({ instruction, map }) => `{${instruction}, &${maps}::${map}},`);
  return `// Written by scripts/bpf.js from ${source}, with clang ${clangVersion()}: npm run build:bpf
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
  for (const program of programs) {
    const text = written(await compiled(program.source), program);
    const output = join(root, 'native', dirname(program.source), 'program.inc');
    const checkedIn = existsSync(output) ? readFileSync(output, 'utf8') : '';
    const madeWith = /with clang (\d+)/.exec(checkedIn)?.[1];
    if (!process.argv.includes('--check')) {
      writeFileSync(output, text);
    } else if (madeWith !== undefined && madeWith !== clangVersion()) {
      console.log(`bpf: ${output} was made with clang ${madeWith}, so clang ${clangVersion()} can't check it`);
    } else if (checkedIn !== text) {
      throw new Failure(`bpf: ${output} is not what its source gives; run: npm run build:bpf`);
    }
  }
});
