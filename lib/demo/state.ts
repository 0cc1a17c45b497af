/** What there is to see of the demo at one moment: plain values, which the pictures are drawn from. */
import type { Outcome } from './scenes.js';

export interface ServerState {
  name: string;
  address: string;
  weight: number;
  isRunning: boolean;
  activeConnections: number;
  inactiveConnections: number;
  connections: number;
  packets: number;
  connectionsPerSecond: number;
  packetsPerSecond: number;
}

export interface PlayedScene extends Outcome {
  title: string;
}

export interface SceneState {
  /** [1, count] */
  number: number;
  count: number;
  title: string;
  /** Says what to look at, in a sentence. */
  watch: string;
}

export interface DemoState {
  clientAddress: string;
  virtualAddress: string;
  directorAddress: string;
  scheduler: string;
  servers: readonly ServerState[];
  /** Index of the server that keys act on. */
  selected: number;
  /** Undefined when all have been played and traffic goes on. */
  scene: SceneState | undefined;
  /** The outcomes of all scenes so far, the newest last. */
  played: readonly PlayedScene[];
  answered: number;
  failed: number;
  /** Connections per second over all servers, the newest last. */
  history: readonly number[];
  /** Says how a colleague joins in from another terminal. */
  hint: string;
  /** Says what became of the last key. */
  message: string;
  hasKeys: boolean;
}
