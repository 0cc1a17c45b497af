/** What a director tells of itself below the prefix, and what others make of it. */
import { isPart } from './layout.js';

/** Where the configuration in force comes from. */
export type ConfigurationFrom = 'etcd' | 'cache';

export interface MemberState {
  /** What the director is called in its fleet: the host's name, with a colon and the daemon's behind it. */
  member: string;
  host: string;
  /** The name of the daemon on its host. */
  name: string;
  version: string;
  pid: number;
  /** Milliseconds since 1970. */
  startedAtMs: number;
  atMs: number;
  /** The last change of the configuration that is in force, as a revision of etcd. */
  revision: number;
  from: ConfigurationFrom;
  /** Why a newer configuration is not in force. */
  refused?: string;
  fingerprint: string;
  /** 'active' or 'standby', where the director has a role. */
  role?: string;
  /** Since when somebody wishes that the director is drained, in milliseconds since 1970. */
  drainSinceMs?: number;
  /** How many services it checks for the fleet; absent where each director checks by itself. */
  probedServices?: number;
  services: number;
  servers: number;
  /** Servers that get new connections. */
  serversUp: number;
  connections: number;
  /** By service and server: 'up', 'down' and so on. Where there are very many servers, only those that are not up. */
  health: Record<string, Record<string, string>>;
}

const NUMBERS = ['pid', 'startedAtMs', 'atMs', 'revision', 'services', 'servers', 'serversUp', 'connections'] as const;
const TEXTS = ['host', 'name', 'version', 'fingerprint'] as const;
const LONGEST = 300;

/** Returns undefined when the value is none: somebody else may have put it there. */
export function parseState(member: string, text: string): MemberState | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // It is not JSON.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !isPart(member)) return undefined;
  if (!NUMBERS.every((name) => Number.isFinite(value[name]))) return undefined;
  if (!TEXTS.every((name) => typeof value[name] === 'string' && (value[name] as string).length <= LONGEST))
    return undefined;
  const { from, refused, role, drainSinceMs, probedServices, health } = value;
  const picked = Object.fromEntries([...NUMBERS, ...TEXTS].map((name) => [name, value[name]]));
  return {
    ...(picked as unknown as MemberState),
    member,
    from: from === 'cache' ? 'cache' : 'etcd',
    ...(typeof refused === 'string' && { refused: refused.slice(0, LONGEST) }),
    ...(typeof role === 'string' && { role: role.slice(0, 32) }),
    ...(Number.isFinite(drainSinceMs) && { drainSinceMs: drainSinceMs as number }),
    ...(Number.isFinite(probedServices) && { probedServices: probedServices as number }),
    health: healthOf(health),
  };
}

function healthOf(value: unknown): MemberState['health'] {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([service, servers]) => {
      if (typeof servers !== 'object' || servers === null) return [];
      const states = Object.entries(servers).filter(([, state]) => typeof state === 'string');
      return [[service, Object.fromEntries(states) as Record<string, string>]];
    }),
  );
}
