/**
 * Timeouts: those that ipvsadm's `--set` changes, and those of every state, for the director and for single services.
 */
import { checkedOptions, integerOption, refuse } from './options.js';
import type { AnyProtocol } from './protocol.js';

/** The timeouts that ipvsadm's `--set` changes, in seconds, [0, 2678400]. */
export interface Timeouts {
  /** The timeout of an established TCP connection; 900 at first. */
  tcp: number;
  /** The timeout of a TCP connection after the client's FIN; 120 at first. */
  tcpFin: number;
  /** The timeout of a UDP connection; 300 at first. */
  udp: number;
}

const tcpStates = [
  'none',
  'established',
  'synSent',
  'synRecv',
  'finWait',
  'timeWait',
  'close',
  'closeWait',
  'lastAck',
  'listen',
  'synAck',
] as const;

const sctpStates = [
  'sctpNone',
  'sctpInit1',
  'sctpInit',
  'sctpCookieSent',
  'sctpCookieReplied',
  'sctpCookieWait',
  'sctpCookie',
  'sctpCookieEchoed',
  'sctpEstablished',
  'sctpShutdownSent',
  'sctpShutdownReceived',
  'sctpShutdownAckSent',
  'sctpRejected',
  'sctpClosed',
] as const;

const statesOf = { tcp: tcpStates, sctp: sctpStates, udp: ['udp'] } as const;

/** The values of {@link TimeoutState}. */
export const timeoutStates = Object.freeze([...tcpStates, ...sctpStates, ...statesOf.udp] as const);

/** A state of a connection. TCP's states have the names by which connections are listed, in camel case. */
export type TimeoutState = (typeof timeoutStates)[number];

/** How many seconds, [1, 2678400], a connection in each state is remembered without packets. */
export type StateTimeouts = Partial<Record<TimeoutState, number>>;

/** The longest timeout of any kind: ipvsadm's limit of 31 days. */
export const MAX_TIMEOUT_SECONDS = 2_678_400;

/** The states that ipvsadm's names stand for. */
const ALIASES = { tcp: 'established', tcpFin: 'finWait' } as const;

/** Returns timeouts by state; those left out, and 0, stay as they are. */
export function checkedTimeouts(timeouts: Partial<Timeouts> & StateTimeouts): StateTimeouts {
  const call = 'setTimeouts';
  const given = checkedOptions(call, timeouts, ['tcp', 'tcpFin', ...timeoutStates]);
  const checked: StateTimeouts = {};
  for (const [name, value] of Object.entries(given)) {
    const state = name in ALIASES ? ALIASES[name as keyof typeof ALIASES] : (name as TimeoutState);
    const seconds = integerOption(`${call}: ${name}`, value, 0, MAX_TIMEOUT_SECONDS, 0);
    if (seconds === 0) continue;
    if (checked[state] !== undefined && checked[state] !== seconds)
      refuse(`${call}: ${name}`, value, `${checked[state]}, which the same timeout is given under its other name`);
    checked[state] = seconds;
  }
  return checked;
}

/** Returns what a service's configuration says of timeouts. */
export function checkedServiceTimeouts(
  call: string,
  timeouts: StateTimeouts | undefined,
  protocol: AnyProtocol,
): { timeouts?: StateTimeouts } {
  if (timeouts === undefined) return {};
  const own = checkedOptions(`${call}: timeouts`, timeouts, protocol === 'ip' ? timeoutStates : statesOf[protocol]);
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  if (given.length === 0) return {};
  const seconds = given.map(([name, value]) => [
    name,
    integerOption(`${call}: timeouts.${name}`, value, 1, MAX_TIMEOUT_SECONDS),
  ]);
  return { timeouts: Object.fromEntries(seconds) };
}
