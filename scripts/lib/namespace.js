/**
 * Runs a program in network and mount namespaces of its own: what it sets up is gone with it, and an ordinary user
 * is root there. `ip netns` keeps its names in /run/netns, hence the fresh /run.
 */
import { spawnSync } from 'node:child_process';

const marker = 'TUNVS_IN_NAMESPACE';

const setUp = `
mount -t tmpfs tmpfs /run || exit 125
[ /var/run -ef /run ] || mount -t tmpfs tmpfs /var/run || exit 125
ip link set lo up || exit 125
exec "$@"`;

const isRoot = process.getuid() === 0;
const unshare = ['unshare', isRoot ? '-nm' : '-Urnm', '--', 'sh', '-c', setUp, 'sh'];

const mend = isRoot
  ? 'give this process CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: --privileged)'
  : 'run as root, or allow them with: sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';

function probe() {
  const { error, status, stderr } = spawnSync(unshare[0], [...unshare.slice(1), 'true'], { encoding: 'utf8' });
  if (error) return `unshare cannot be run (${error.code}); install it with: apt-get install util-linux`;
  if (status === 0) return '';
  return `network namespaces cannot be had here (${stderr.trim().split('\n')[0]}): ${mend}`;
}

let problem;

/** Why namespaces cannot be had here, in one sentence; '' when they can. */
export function namespaceProblem() {
  problem ??= process.env[marker] ? '' : probe();
  return problem;
}

/** Whether each program that is run isolated() has namespaces of its own, so that several may run at the same time. */
export const areIsolated = () => !process.env[marker] && !namespaceProblem();

/**
 * The [command, args, environment] that runs `command` in namespaces of its own; unchanged when already in them or
 * when there are none to be had.
 */
export function isolated(command, args, environment = process.env) {
  if (process.env[marker] || namespaceProblem()) return [command, args, environment];
  return [unshare[0], [...unshare.slice(1), command, ...args], { ...environment, [marker]: '1' }];
}
