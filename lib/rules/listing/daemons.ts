/** Prints `ipvsadm -L --daemon`. */
import type { SyncState } from '../../director/sync.js';

/** A line for each role that runs. */
export function listDaemons({ master, backup }: SyncState): string {
  const roles = [master && (['master', master] as const), backup && (['backup', backup] as const)];
  return roles
    .filter((each) => each !== undefined)
    .map(([role, { interface: from, syncid, maxMessageBytes, group, port, ttl }]) => {
      const settings = `maxlen=${maxMessageBytes}, group=${group}, port=${port}, ttl=${ttl}`;
      return `${role} sync daemon (mcast=${from}, syncid=${syncid}, ${settings})\n`;
    })
    .join('');
}
