/** Prints `ipvsadm -L --daemon`. */
import type { HeardPeer, SyncPeerState, SyncRoleState, SyncState, ToldPeer } from '../../director/sync.js';
import { formatEndpoint } from '../../values/inet.js';

/** A line for each role that runs. */
export function listDaemons({ master, backup }: SyncState): string {
  const roles = [master && (['master', master] as const), backup && (['backup', backup] as const)];
  return roles
    .filter((each) => each !== undefined)
    .map(([role, state]) => {
      const { interface: from, syncid, maxMessageBytes, group, port, ttl, peers } = state;
      const settings = `maxlen=${maxMessageBytes}, group=${group}, port=${port}, ttl=${ttl}`;
      return peers === undefined
        ? `${role} sync daemon (mcast=${from}, syncid=${syncid}, ${settings})\n`
        : listPeers(role, state, peers);
    })
    .join('');
}

/** ipvsadm knows no peers, so it has no words for them. */
function listPeers(role: string, state: SyncRoleState, peers: readonly (ToldPeer | HeardPeer)[]): string {
  const { interface: from, syncid, maxMessageBytes, port, isSigned } = state;
  const signed = isSigned ? 'signed' : 'unsigned';
  const by = from === '' ? '' : `interface=${from}, `;
  const longest = role === 'master' ? `, maxlen=${maxMessageBytes}` : '';
  const header = `${role} sync daemon (${by}peers=${peers.length}, ${signed}, syncid=${syncid}${longest}, port=${port})`;
  return [header, ...peers.map((peer) => `  ${peerLine(peer)}`), ''].join('\n');
}

function peerLine(peer: ToldPeer | HeardPeer): string {
  const { address, lost, refused, lastRefusal } = peer;
  const state = STATE_WORDS[peer.state];
  const lastly = lastRefusal === undefined ? '' : `, ${refused} refused (lastly ${lastRefusal})`;
  if ('port' in peer) return `${formatEndpoint(peer)} ${state}, lag ${peer.lagMs} ms, ${lost} messages lost${lastly}`;
  const { heardMsAgo, isCaughtUp, state: now } = peer;
  const before = now === 'away' && isCaughtUp ? ' (all that it had is here)' : '';
  const heard = heardMsAgo === undefined ? 'never heard' : `heard ${heardMsAgo} ms ago`;
  return `${address} ${state}${before}, ${heard}, ${lost} messages lost${lastly}`;
}

const STATE_WORDS: Readonly<Record<SyncPeerState, string>> = {
  away: 'away',
  transferring: 'transferring',
  caughtUp: 'caught up',
};
