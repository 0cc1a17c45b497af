/** What stands in for a director, tunvs among others. */
import type { Stage } from './stage.js';

export interface Peer {
  /** The programs it needs, and the Debian package that gives each. */
  programs: Readonly<Record<string, string>>;
  /** How it is configured, in words, for the report. */
  configuration: string;
  /** Prints its version; nothing for what the kernel does. */
  versionCommand?: readonly string[];
  /** It is not the kernel alone that carries packets. */
  isProgram: boolean;
  /** It stands beside others only in trials that name it. */
  isVariant?: boolean;
  /** It sends tunnel packets, which `tunvs realserver` takes on the servers; what that costs is said apart. */
  isTunnelled?: boolean;
  /** As `tunvs realserver --mode` takes it, on the servers. */
  realServerMode?: 'bpf';
  /** It sends GUE instead of IPIP, to port 6080. */
  isGue?: boolean;
  /** Answers go straight from the server to the client. */
  isPastDirector: boolean;
  /** Throws a PeerLacksError where the machine lacks what it needs. Serves `address`, in the stage's director; `folder` is its own. */
  start(stage: Stage, address: string, folder: string): Promise<RunningPeer>;
}

/** This machine cannot run the peer, and the others go on without it. */
export class PeerLacksError extends Error {}

export interface RunningPeer {
  /** Its programs in the director, whose CPU counts. */
  pids: readonly number[];
  /** What slows the others down, as a hook in the kernel does, is there from `enter` to `leave` only. */
  enter?(): Promise<void>;
  leave?(): Promise<void>;
}
