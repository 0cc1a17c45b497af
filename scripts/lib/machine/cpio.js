/** Writes an archive that Linux takes as its first file system: cpio's format "newc" (initramfs buffer format). */

const pad = (bytes) => Buffer.alloc((4 - (bytes % 4)) % 4);
const modes = { folder: 0o040755, file: 0o100755 };

function entry(number, { path, content }) {
  const kind = content === undefined ? 'folder' : 'file';
  const data = Buffer.from(content ?? '');
  const name = Buffer.from(`${path}\0`);
  // Inode, mode, owner, group, links, time, bytes, four numbers of devices, bytes of the name, sum.
  const numbers = [number, modes[kind], 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.concat([
    Buffer.from(`070701${numbers.map((each) => each.toString(16).padStart(8, '0')).join('')}`),
    name,
  ]);
  return Buffer.concat([head, pad(head.length), data, pad(data.length)]);
}

/** `entries`: { path, content } of files, { path } of folders; a folder comes before what is in it. */
export function cpioArchive(entries) {
  const trailer = { path: 'TRAILER!!!', content: '' };
  return Buffer.concat([...entries, trailer].map((each, index) => entry(index + 1, each)));
}
