/** The news of a host's keeper, in sentences. */
import type { MissingStep } from './held-parts.js';

/** The kinds of {@link HostEvent}; {@link EngineEvent} says what each means. */
export type HostEventType =
  | 'hostMended'
  | 'hostNotMended'
  | 'hostContested'
  | 'hostConflict'
  | 'hostUnreadable'
  | 'deviceRenamed'
  | 'deviceLost'
  | 'serversMoved';

/** News of a real server's host. */
export interface HostEvent {
  /** The kind of news. */
  type: HostEventType;
  /** The number of things that the news is about. */
  value: number;
  /** The sentence that says what happened. */
  message: string;
  /** The things that the news is about, each in words. */
  things?: readonly string[];
  /** The error behind the news. */
  cause?: unknown;
}

/** Further things in a list are only counted. */
const MOST_NAMED = 4;

export function listed(things: readonly string[]): string {
  const more = things.length - MOST_NAMED;
  return [...things.slice(0, MOST_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

export function mended(things: readonly string[]): HostEvent {
  return {
    type: 'hostMended',
    value: things.length,
    things,
    message: `somebody changed what this host needs; put back: ${listed(things)}`,
  };
}

export function notMended(things: readonly string[], error: Error): HostEvent {
  return {
    type: 'hostNotMended',
    value: things.length,
    things,
    cause: error,
    message: `this host lacks ${listed(things)}, and it could not be put back: ${error.message}`,
  };
}

/** `devices` are ours: a network manager must leave them alone. */
export function contested(
  things: readonly string[],
  times: number,
  pauseMs: number,
  devices: readonly string[],
): HostEvent {
  const names = devices.map((name) => `interface-name:${name}`).join(',');
  return {
    type: 'hostContested',
    value: things.length,
    things,
    message:
      `somebody keeps removing what this host needs (${times} times), so it is left alone for ` +
      `${Math.round(pauseMs / 1000)} s: ${listed(things)}; if NetworkManager does that, set its unmanaged-devices=${names || '...'}; if it is ` +
      'systemd-networkd, set its ManageForeignRoutes=no and ManageForeignRoutingPolicyRules=no; ' +
      'mendHost() puts it back at once',
  };
}

/** Returns the things in the order of first mention. */
export function thingsOf(missing: readonly MissingStep[]): string[] {
  return [...new Set(missing.filter(({ isThing }) => isThing).map(({ thing }) => thing))];
}
