/** The guardians of a host's directors and real servers: they take back what a killed one has left on the host. */
import type { LabHost } from './lab.js';

/** Returns their process ids. Other tests may run guardians of their own meanwhile, so only those of this host count. */
export async function guardiansOf(host: LabHost): Promise<string[]> {
  const look = `pgrep -f "^/bin/sh .* tunvs-guardian /run/tunvs" | while read -r pid; do
    [ "/proc/$pid/ns/net" -ef /proc/self/ns/net ] && echo "$pid"; done`;
  const { stdout } = await host.tryExec(['sh', '-c', look]);
  return stdout.split('\n').filter((pid) => pid !== '');
}

/** After this, what is killed leaves everything as it was. */
export async function killGuardians(host: LabHost): Promise<void> {
  for (const pid of await guardiansOf(host)) process.kill(Number(pid), 'SIGKILL');
}
