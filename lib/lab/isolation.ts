/** Says where a lab may be built: as root, or in a user namespace in which an ordinary user is root. */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { withDeathSignal } from './death-signal.js';
import { runDetached } from './detached.js';

/** `ip netns` keeps its names here. */
export const NETNS_FOLDER = '/run/netns';

/** An ordinary user cannot write the host's /run, so the namespaces get one of their own. */
const ISOLATED = ['-Urnm', '--', 'sh', '-c', 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"', 'sh'];

/** What a lab needs, by number in capabilities(7). */
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n, CAP_SYS_ADMIN: 21n };

/**
 * Says whether this process is in a user namespace that an ordinary user has made for it, by "unshare -Ur" or
 * rerunIsolated(); others must enter it first.
 */
export function isIsolatedUser(uidMap = readFileSync('/proc/self/uid_map', 'utf8')): boolean {
  // Inside, root is an ordinary user of the host, and there is nobody else. A root that is root has the whole range of
  // users, and a container's has more than one line or a range.
  return /^\s*0\s+[1-9]\d*\s+1\s*$/.test(uidMap);
}

/** Says why this process cannot build a lab, in one sentence with the mend; undefined when it can. */
export function labProblem(): string | undefined {
  const ip = runDetached('ip', ['-V']);
  if (ip.error) return 'ip(8) is missing: install it with "apt install iproute2"';
  if (process.getuid?.() !== 0)
    return 'this needs root: run it as root, or under "unshare -Urnm" with a /run of its own';
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'));
  if (missing.length > 0) {
    const added = missing.map((name) => `--cap-add ${name.replace('CAP_', '')}`).join(' ');
    return `this needs ${missing.join(', ')}: run it as root with all capabilities, or give the container ${added}`;
  }
  try {
    mkdirSync(NETNS_FOLDER, { recursive: true });
    accessSync(NETNS_FOLDER, constants.W_OK);
  } catch {
    // This mends it, whatever it was.
    return `${NETNS_FOLDER} cannot be written: run as root, or with "mount -t tmpfs tmpfs /run" in a mount namespace of its own`;
  }
  const probe = runDetached('unshare', ['-n', 'true']);
  if (probe.status !== 0)
    return `network namespaces are not allowed here (${probe.stderr?.trim() ?? probe.error?.message}): run as root`;
  return undefined;
}

/** Returns the capabilities that a lab needs and a process lacks; `status` is its proc_pid_status(5). */
export function missingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\t(\w+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(CAPABILITIES).flatMap(([name, bit]) => (((effective >> bit) & 1n) === 1n ? [] : [name]));
}

/** Says why this process cannot open a TUN device; undefined when it can. */
export function tunProblem(): string | undefined {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? '/dev/net/tun is missing: run "modprobe tun", or give the container --device /dev/net/tun'
      : '/dev/net/tun cannot be opened by this user: allow it with "chmod 666 /dev/net/tun" as root';
  }
}

/** Says whether an ordinary user started this process and may become root in a user namespace. */
export function canIsolate(): boolean {
  return process.getuid?.() !== 0 && runDetached('unshare', [...ISOLATED, 'true']).status === 0;
}

/**
 * Runs this very command line again in namespaces of its own, with the terminal handed over; returns its exit status.
 */
export function rerunIsolated(): Promise<number> {
  const child = spawn(
    'unshare',
    [...ISOLATED, ...withDeathSignal(), process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: 'inherit' },
  );
  const ignore = () => {};
  const passOn = () => child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGQUIT', ignore).on('SIGTERM', passOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      process.off('SIGINT', ignore).off('SIGQUIT', ignore).off('SIGTERM', passOn);
      resolve(status ?? 1);
    });
  });
}
