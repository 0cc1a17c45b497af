/** Virtual machines for tests with other kernels: what they are given, without starting one. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';

const module = (name: string) => import(new URL(`../../../scripts/lib/machine/${name}`, import.meta.url).href);
const { cpioArchive } = await module('cpio.js');
const { commandLine, modulesInOrder, settings } = await module('initramfs.js');
const { readReport } = await module('machine.js');
const { kernels, newest } = await module('packages.js');
const { linesNamed } = await module('lines.js');

describe('a virtual machine', () => {
  it('starts with an archive of whole words, each file behind its header', () => {
    const archive: Buffer = cpioArchive([{ path: 'bin' }, { path: 'bin/x', content: 'hello' }]);
    assert.equal(archive.length % 4, 0);
    const heads: { path: string; mode: number; content: string }[] = [];
    for (let at = 0; at < archive.length; ) {
      const number = (index: number) =>
        Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
      assert.equal(archive.toString('latin1', at, at + 6), '070701');
      const [mode, bytes, nameBytes] = [number(1), number(6), number(11)] as [number, number, number];
      const data = Math.ceil((at + 110 + nameBytes) / 4) * 4;
      const path = archive.toString('utf8', at + 110, at + 109 + nameBytes);
      heads.push({ path, mode, content: archive.toString('utf8', data, data + bytes) });
      at = Math.ceil((data + bytes) / 4) * 4;
    }
    assert.deepEqual(heads, [
      { path: 'bin', mode: 0o040755, content: '' },
      { path: 'bin/x', mode: 0o100755, content: 'hello' },
      { path: 'TRAILER!!!', mode: 0o100755, content: '' },
    ]);
  });

  it('loads modules behind those that they need, and none that is a part of the kernel', () => {
    const dependencies = [
      'kernel/fs/overlayfs/overlay.ko:',
      'kernel/fs/fuse/virtiofs.ko.xz: kernel/fs/fuse/fuse.ko.xz kernel/drivers/virtio/virtio.ko.xz',
      'kernel/fs/fuse/fuse.ko.xz:',
      'kernel/drivers/virtio/virtio.ko.xz: kernel/drivers/virtio/virtio-ring.ko.xz',
      'kernel/drivers/virtio/virtio-ring.ko.xz:',
      '',
    ].join('\n');
    const order: string[] = modulesInOrder(dependencies, ['virtio_ring', 'builtin', 'virtiofs', 'overlay']);
    assert.deepEqual(
      order.map((path) => path.replace(/^.*\//, '')),
      ['virtio-ring.ko.xz', 'virtio.ko.xz', 'fuse.ko.xz', 'virtiofs.ko.xz', 'overlay.ko'],
    );
  });

  it("hands a command's words and settings to a shell as they are", () => {
    const words = ['printf', '%s|', "it's", '$HOME', 'a b', ''];
    const script = `${settings({ command: commandLine(words) })}eval "$command"`;
    assert.equal(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), "it's|$HOME|a b||");
  });

  it('boots the newest kernel of a line, by its numbers', () => {
    const names = [
      '6.1.0-9-cloud-amd64',
      '6.1.0-57-cloud-amd64',
      '6.1.0-57-cloud-amd64-dbg',
      '6.1.0-0.deb11.52-cloud-amd64',
    ];
    names.push('6.1-cloud-amd64', '6.12.99+deb12-cloud-amd64', '6.12.117+deb12-cloud-amd64', '6.12.117+deb12-amd64');
    const packages = names.map((name) => `linux-image-${name}`);
    assert.equal(newest(packages, kernels['6.1']), 'linux-image-6.1.0-57-cloud-amd64');
    assert.equal(newest(packages, kernels['6.12']), 'linux-image-6.12.117+deb12-cloud-amd64');
    assert.equal(newest(packages, kernels['5.10']), undefined);
  });

  it('reports how its command ended, and what was recorded; without a status it did not end', () => {
    assert.deepEqual(readReport('3\n{"name":"labs","passed":1}\n'), {
      status: 3,
      results: [{ name: 'labs', passed: 1 }],
    });
    assert.deepEqual(readReport('0\n'), { status: 0, results: [] });
    assert.equal(readReport(''), undefined);
  });

  it('has its name in front of each line, however its output comes in pieces', () => {
    let out = '';
    const write = linesNamed('Linux 6.1', (text: string) => (out += text));
    for (const piece of ['one\ntw', 'o\n', '\nthree', '', '\n']) write(piece);
    assert.equal(out, 'Linux 6.1: one\nLinux 6.1: two\nLinux 6.1: \nLinux 6.1: three\n');
  });
});
