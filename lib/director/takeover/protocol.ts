/**
 * How a director is handed over to another process: a line of JSON each way at a time, over the unix socket `takeover`
 * in the folder of the state.
 *
 *     new process                          running process
 *     {"ask":"devices","version":1}   ->
 *                                     <-   {"version":1,"devices":[...]}, and the queues' descriptors beside it
 *     {"ask":"stop"}                  ->   ends its workers: packets wait in the queues, the state is free
 *                                     <-   {"stopped":true}
 *     {"ask":"end"}                   ->   has its workers at work; the other closes, and its end is the answer
 *
 * Until `stop` the new process can go away, and nothing has happened.
 */
import type { Role } from '../../values/role.js';

export const TAKEOVER_VERSION = 1;

export const TAKEOVER_SOCKET = 'takeover';

export interface HandedDevice {
  name: string;
  /** Undefined for the main device. */
  mark?: number;
  /** The director had found it there. */
  attached: boolean;
  /** How many of the descriptors are its queues; they come in the order of the devices. */
  queues: number;
}

/** What both directors have to have in common. */
export interface Common {
  /** How the state is laid out. */
  layout: string;
  maxConnections: number;
  /** The network namespace. */
  namespace: string;
  /** Packets come without offloads. */
  isPlain: boolean;
}

export interface HandedDevices extends Common {
  version: number;
  pid: number;
  steering: 'bpf' | 'kernel' | 'none';
  /** The role that it has now, whatever it began with. */
  role: Role;
  devices: HandedDevice[];
}

export interface Refusal {
  refused: string;
}

export type Ask = { ask: 'devices'; version: number } | { ask: 'stop' } | { ask: 'end' };
