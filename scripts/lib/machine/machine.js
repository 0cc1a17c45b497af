/**
 * A virtual machine that boots a kernel, runs one command with the host's files, and ends. The files are the host's own
 * (virtiofs), read-only; what the command writes stays in the machine's memory.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, collect, root } from '../run.js';
import { commandLine, initramfs } from './initramfs.js';

const qemu = 'qemu-system-x86_64';
const memory = '3G';
const processors = 2;
// KVM within a virtual machine does not set all that "max" names.
const cpus = { kvm: 'max,-arch-capabilities', tcg: 'max' };
const probeMs = 10_000; // a machine with KVM is up after two seconds
const consoleLines = 30; // shown when a machine ends without a word
const programs = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd'];

/** The program that hands the host's files to a machine; which package has it depends on the version of QEMU. */
export const fileServer = () => programs.find(existsSync);

/** Arguments of QEMU for a kernel and nothing else; `words` go to the kernel, which hands on what it does not know. */
const bareArguments = ({ image, folder, accelerator, words = '' }) => [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-accel', accelerator, '-cpu', cpus[accelerator], '-smp', String(processors), '-m', memory],
  ...['-kernel', image, '-initrd', join(folder, 'initramfs'), '-serial', `file:${join(folder, 'console')}`],
  ...['-append', `console=ttyS0 panic=-1 ${words}`],
];

/** Arguments of QEMU: a kernel, memory that the file server can read, and two ports. */
export function machineArguments(machine) {
  const { folder } = machine;
  const files = `socket,id=files,path=${join(folder, 'files')}`;
  const port = (name) => ['-device', `virtserialport,chardev=${name},name=${name}`];
  return [
    ...bareArguments(machine),
    ...['-object', `memory-backend-memfd,id=memory,size=${memory},share=on`, '-machine', 'pc,memory-backend=memory'],
    ...['-chardev', files, '-device', 'vhost-user-fs-pci,chardev=files,tag=host'],
    ...['-device', 'virtio-serial', '-chardev', 'stdio,id=output,signal=off', ...port('output')],
    ...['-chardev', `file,id=report,path=${join(folder, 'report')}`, ...port('report')],
  ];
}

let chosen; // once for all machines

/** Returns KVM where a kernel starts with it, which not every host of virtual machines allows; else QEMU's own way. */
async function accelerator(image, folder) {
  if (!chosen) {
    const args = bareArguments({ image, folder, accelerator: 'kvm', words: 'probe' });
    const { status } = await collect(qemu, args, { limitMs: probeMs });
    chosen = status === 0 ? 'kvm' : 'tcg';
    if (chosen === 'tcg')
      console.log('kernels: no KVM that works here, so virtual machines take some ten times as long');
  }
  return chosen;
}

/** Reads what a machine reports: the command's exit status, and the lines of its results; undefined without a status. */
export function readReport(text) {
  const [status, ...lines] = text.split('\n').filter(Boolean);
  if (!/^\d+$/.test(status ?? '')) return undefined;
  return { status: Number(status), results: lines.map((line) => JSON.parse(line)) };
}

/** Starts the file server, waits until it listens, and returns what ends it. */
async function serveFiles(folder) {
  const log = openSync(join(folder, 'files.log'), 'w');
  const socket = join(folder, 'files');
  const args = [`--socket-path=${socket}`, '-o', 'source=/,cache=always,sandbox=chroot', '--rlimit-nofile=0'];
  const server = spawn(fileServer(), args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const hasEnded = new Promise((resolve) => server.once('close', resolve).once('error', resolve));
  const end = async () => {
    server.kill();
    await hasEnded;
  };
  for (let i = 0; i < 100 && !existsSync(socket); i++) {
    if (server.exitCode !== null) break;
    await sleep(50);
  }
  if (existsSync(socket)) return end;
  await end();
  throw new Failure(`kernels: the host's files can't be served: ${readFileSync(join(folder, 'files.log'), 'utf8')}`);
}

/**
 * Runs a command, an array, in the checkout's folder on a machine with `kernel`. Returns { status, results }: the exit
 * status, 124 when it took longer than `limitMs`, and the lines that were recorded. Output goes to `write` as it comes.
 */
export async function runInMachine({ kernel, busybox, command, limitMs, write }) {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-machine-'));
  let end;
  try {
    const { image, tree, modules } = kernel;
    const make = (values) => writeFileSync(join(folder, 'initramfs'), initramfs({ busybox, modules, values }));
    make({});
    const by = await accelerator(image, folder);
    make({
      machine_path: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      machine_modules: tree,
      machine_folder: root,
      machine_command: commandLine(command),
      TUNVS_MACHINE: by,
      TUNVS_RESULTS: '/machine/results',
    });
    const args = machineArguments({ image, folder, accelerator: by });
    end = await serveFiles(folder);
    // QEMU takes an input that ends for the end of the output's reader.
    const { isStopped, output } = await collect(qemu, args, { limitMs, onOutput: write, stdio: 'pipe' });
    const read = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
    if (isStopped) write(`${output.trimEnd().split('\n').at(-1)}\n`);
    const report = readReport(read('report'));
    if (report) return report;
    const said = read('console').trimEnd().split('\n').slice(-consoleLines);
    write(`${said.join('\n')}\n`);
    return { status: isStopped ? 124 : 1, results: [] };
  } finally {
    await end?.();
    rmSync(folder, { recursive: true });
  }
}
