/** What a virtual machine's kernel starts with: a program, and the modules that it needs to reach the host's files. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpioArchive } from './cpio.js';

const here = dirname(fileURLToPath(import.meta.url));
const wanted = ['virtio_pci', 'virtio_console', 'virtiofs', 'overlay'];

const moduleName = (path) =>
  basename(path)
    .replace(/\.ko(\.xz|\.zst|\.gz)?$/, '')
    .replaceAll('-', '_');

/**
 * Returns the paths of modules and of what these need, in the order in which they are loaded. `dependencies` is the
 * text of modules.dep. A module that is not there is a part of the kernel.
 */
export function modulesInOrder(dependencies, names) {
  const needs = new Map();
  for (const line of dependencies.split('\n').filter(Boolean)) {
    const [path, others] = line.split(':');
    needs.set(path, others.split(' ').filter(Boolean));
  }
  const order = [];
  const add = (path) => {
    if (order.includes(path)) return;
    (needs.get(path) ?? []).toReversed().forEach(add);
    order.push(path);
  };
  for (const name of names) {
    const path = [...needs.keys()].find((each) => moduleName(each) === name);
    if (path) add(path);
  }
  return order;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Returns lines that a shell reads: `values` as variables, for its programs as well. */
export const settings = (values) =>
  Object.entries(values)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('');

/** Returns a command line for a shell. */
export const commandLine = (command) => command.map(quoted).join(' ');

/** `modules` is the folder of the kernel's modules, with modules.dep; `values` are what start.sh reads. */
export function initramfs({ busybox, modules, values }) {
  const order = modulesInOrder(readFileSync(join(modules, 'modules.dep'), 'utf8'), wanted);
  const numbered = (path, index) => `modules/${String(index).padStart(2, '0')}-${basename(path)}`;
  return cpioArchive([
    { path: 'bin' },
    { path: 'modules' },
    { path: 'bin/busybox', content: readFileSync(busybox) },
    { path: 'init', content: readFileSync(join(here, 'init.sh')) },
    { path: 'start.sh', content: readFileSync(join(here, 'start.sh')) },
    { path: 'settings', content: settings(values) },
    ...order.map((path, index) => ({ path: numbered(path, index), content: readFileSync(join(modules, path)) })),
  ]);
}
