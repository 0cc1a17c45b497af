/** Where the addon's binary may lie, the likeliest first. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The package's root, seen from a folder of its own: `lib/native` of a checkout's `dist` or of an installed one's. */
export function packageRoot(here: string): string | undefined {
  for (let folder = here; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'binding.gyp'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * A binary that was compiled here comes first; the one that `npm run build:prebuilt` made for this kind of machine is
 * second, where the program is linked with the C library that it was made for.
 */
export function binaries(root: string, program = process.execPath): string[] {
  const compiled = join(root, 'build', 'Release', 'tunvs.node');
  const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'tunvs.node');
  return [compiled, ...(isForGlibc(program) ? [prebuilt] : [])].filter((path) => existsSync(path));
}

const PT_INTERP = 3;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/**
 * Whether a 64-bit program, in the byte order of this machine, is started by the dynamic linker of glibc. True
 * where it cannot be read: without /proc, node does not know its own path.
 */
export function isForGlibc(program: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(program, 'r');
  } catch {
    // Loading tells.
    return true;
  }
  const read = (offset: bigint, bytes: number) => {
    const buffer = Buffer.alloc(bytes);
    readSync(descriptor, buffer, { position: offset });
    return buffer;
  };
  try {
    // elf(5): the magic and class; e_phoff at 32, e_phnum at 56; in a program header p_offset at 8, p_filesz at 32.
    const header = read(0n, HEADER_BYTES);
    if (header.toString('latin1', 0, 5) !== '\x7fELF\x02') return false;
    const headersAt = header.readBigUInt64LE(32);
    for (let index = 0; index < header.readUInt16LE(56); index++) {
      const entry = read(headersAt + BigInt(index * PROGRAM_HEADER_BYTES), PROGRAM_HEADER_BYTES);
      if (entry.readUInt32LE(0) !== PT_INTERP) continue;
      const interpreter = read(entry.readBigUInt64LE(8), Math.min(Number(entry.readBigUInt64LE(32)), 4096));
      return /\/ld-linux[^/]*$/.test(interpreter.toString('latin1').replace(/\0.*$/s, ''));
    }
    return false;
  } finally {
    closeSync(descriptor);
  }
}
