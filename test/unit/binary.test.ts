/** Which binary of the native part is loaded. */
import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { binaries, isForGlibc, packageRoot } from '../../lib/native/binary.js';

describe('the binary of the native part', () => {
  let folder = '';
  const write = (path: string, content: Buffer | string = '') => {
    const whole = join(folder, path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
    return whole;
  };
  const prebuiltName = `prebuilds/${process.platform}-${process.arch}/tunvs.node`;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-binary-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** As much of an executable as says which dynamic linker starts it. */
  function program(interpreter?: string): string {
    const header = Buffer.alloc(64);
    header.write('\x7fELF\x02', 'latin1');
    header.writeBigUInt64LE(64n, 32);
    header.writeUInt16LE(interpreter === undefined ? 1 : 2, 56);
    const load = Buffer.alloc(56);
    load.writeUInt32LE(1);
    const interp = Buffer.alloc(56);
    interp.writeUInt32LE(3);
    interp.writeBigUInt64LE(176n, 8);
    const name = Buffer.from(`${interpreter}\0`, 'latin1');
    interp.writeBigUInt64LE(BigInt(name.length), 32);
    return write('program', Buffer.concat([header, load, ...(interpreter === undefined ? [] : [interp, name])]));
  }

  for (const [what, interpreter, expected] of [
    ['glibc on x64', '/lib64/ld-linux-x86-64.so.2', true],
    ['glibc on arm64', '/lib/ld-linux-aarch64.so.1', true],
    ['glibc in the store of Nix', '/nix/store/0-glibc-2.40/lib/ld-linux-x86-64.so.2', true],
    ['musl', '/lib/ld-musl-x86_64.so.1', false],
    ['no dynamic linker', undefined, false],
  ] as const) {
    it(`${expected ? 'may be' : 'is not'} the prebuilt one for a program of ${what}`, () => {
      const prebuilt = write(prebuiltName);
      const path = program(interpreter);
      assert.equal(isForGlibc(path), expected);
      assert.deepEqual(binaries(folder, path), expected ? [prebuilt] : []);
    });
  }

  it('is not the prebuilt one for what is no program', () => {
    assert.equal(isForGlibc(write('script', '#!/bin/sh\n')), false);
    assert.equal(isForGlibc(write('empty')), false);
  });

  it('may be the prebuilt one where the program cannot be read', () => {
    assert.equal(isForGlibc(join(folder, 'missing')), true);
  });

  it('is the one that was compiled here before the prebuilt one', () => {
    const prebuilt = write(prebuiltName);
    const compiled = write('build/Release/tunvs.node');
    assert.deepEqual(binaries(folder, program('/lib64/ld-linux-x86-64.so.2')), [compiled, prebuilt]);
  });

  it('is none for another kind of machine', () => {
    write('prebuilds/plan9-mips/tunvs.node');
    assert.deepEqual(binaries(folder, program('/lib64/ld-linux-x86-64.so.2')), []);
  });

  it('is looked for below the folder with binding.gyp', () => {
    write('binding.gyp');
    mkdirSync(join(folder, 'dist/lib/native'), { recursive: true });
    assert.equal(packageRoot(join(folder, 'dist/lib/native')), folder);
    assert.equal(packageRoot('/proc'), undefined);
  });
});
