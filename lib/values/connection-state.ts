/** The states of connections and templates, by the names that IPVS lists them under. */

const tcpStates = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'SYNACK',
] as const;

/** Those that TCP does not have too. */
const sctpStates = [
  'INIT1',
  'INIT',
  'C-SENT',
  'C-REPLIED',
  'C-WAIT',
  'COOKIE',
  'C-ECHOED',
  'S-SENT',
  'S-RECEIVED',
  'S-ACK-SENT',
  'REJECTED',
  'CLOSED',
] as const;

/** The values of {@link ConnectionState}. */
export const connectionStates = Object.freeze([...tcpStates, ...sctpStates, 'UDP', 'ASSURED'] as const);

/**
 * The state of a row of the connection table by IPVS's name. TCP and SCTP share NONE and ESTABLISHED. A UDP connection
 * is in UDP, and a template in NONE or ASSURED.
 */
export type ConnectionState = (typeof connectionStates)[number];
