/**
 * Runs a program in network and mount namespaces of its own: what it sets up goes with it, and an ordinary user is root
 * there. The fresh /run is for `ip netns`, which keeps its names in /run/netns.
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
  return `network namespaces are not available here (${stderr.trim().split('\n')[0]}): ${mend}`;
}

let problem;

/** Says in one sentence why namespaces are not available here; '' when they are. */
export function namespaceProblem() {
  problem ??= process.env[marker] ? '' : probe();
  return problem;
}

/** Whether each program that is run isolated() has namespaces of its own, so that several may run at the same time. */
export const areIsolated = () => !process.env[marker] && !namespaceProblem();

/**
 * Returns the [command, args, environment] that runs `command` in namespaces of its own; they are unchanged when
 * already in such namespaces, or when none are available.
 */
export function isolated(command, args, environment = process.env) {
  if (process.env[marker] || namespaceProblem()) return [command, args, environment];
  return [unshare[0], [...unshare.slice(1), command, ...args], { ...environment, [marker]: '1' }];
}
