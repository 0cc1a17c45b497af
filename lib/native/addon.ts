/**
 * Declares and loads the addon; the only file that imports the `.node` binary.
 *
 * Everything native is named by its identity (protocol, address, port), as in ipvsadm, so that a list of operations
 * needs no ids. Errors thrown by the addon are plain `Error`s with a `code` (`ERR_TUNVS_*`), and `syscall` and `errno`
 * where a system call failed; `values/errors.ts` turns them into `TunvsError`.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaries, packageRoot } from './binary.js';
import type { NativeDecapsulator, NativeDecapsulatorOptions } from './decapsulator.js';
import type { NativeDirectorOptions } from './director.js';
import type { NativeEngine, NativeEngineOptions } from './engine.js';
import { TunvsError, type TunvsErrorDetails } from './errors.js';
import type { NativeHostChange, NativeHostMonitor } from './host.js';
import type { NativeKnocker } from './knocker.js';
import type { NativeListeningSocket } from './listening-socket.js';
import type { NativeNeighbourNews } from './neighbours.js';
import type { NativeOffline } from './offline.js';
import type { NativePcapReader, NativePcapWriter } from './pcap.js';
import type { NativePeerCredentials } from './peer-credentials.js';
import type { NativePinger, NativePingOutcome } from './pinger.js';

export interface Native {
  Engine: new (options: NativeEngineOptions) => NativeEngine;
  Offline: new (options: NativeDirectorOptions) => NativeOffline;
  Decapsulator: new (options: NativeDecapsulatorOptions) => NativeDecapsulator;
  /**
   * `changed` receives what has changed since its last call, a bit for each of `hostChanges` in their order; all bits
   * are set when the kernel lost count.
   */
  HostMonitor: new (
    options: { routeProtocol: number },
    changed: (changes: number) => void,
  ) => NativeHostMonitor;
  hostChanges: NativeHostChange[];
  /**
   * `told` receives what has become of knocks, each once: its number and its errno in turn, 0 for a connection that was
   * taken. Knocks alone keep no process alive.
   */
  Knocker: new (
    told: (pairs: number[]) => void,
  ) => NativeKnocker;
  /** Duplicates the descriptor. It keeps the event loop alive until it is closed. */
  ListeningSocket: new (
    descriptor: number,
    ready: () => void,
  ) => NativeListeningSocket;
  /** `told` receives what has become of pings, each once. Pings alone keep no process alive. */
  Pinger: new (
    told: (outcomes: NativePingOutcome[]) => void,
  ) => NativePinger;
  PcapReader: new (path: string) => NativePcapReader;
  PcapWriter: new (path: string) => NativePcapWriter;
  /**
   * Locks the file behind a descriptor without waiting; returns false when another open file holds the lock. The lock
   * ends with the descriptor, and so with the process.
   */
  tryLockFile(descriptor: number): boolean;
  /** Names the way in which a state is laid out; a state with another one is not taken. */
  readonly stateLayout: string;
  /** Connects to a unix socket; returns its descriptor. */
  connectLocal(path: string): number;
  /** Sends a line, and open descriptors beside it, to another process; waits for room at most so long. */
  sendLine(descriptor: number, line: string, descriptors: readonly number[], timeoutMs: number): void;
  /** Waits for a line of another process, and the descriptors beside it, which are the caller's to close. */
  receiveLine(descriptor: number, timeoutMs: number): { text: string; descriptors: number[] };
  /** Identifies this thread's network namespace among all since the host was booted. */
  networkNamespaceName(): string;
  /** Throws for a descriptor that is no connected unix socket. */
  peerCredentials(descriptor: number): NativePeerCredentials;
  /**
   * Tells a LAN once that this host answers for these addresses now; returns how many packets the interface took, none
   * where it has no hardware address. Throws what the kernel says of an interface that is not there, or of a lack of
   * CAP_NET_RAW.
   */
  tellNeighbours(news: NativeNeighbourNews): number;
  /** Removes what killed processes have left at TC, on kernels that leave it (before 6.6). It throws nothing. */
  removeDeadTcFilters(): void;
  /**
   * Sends a datagram to a unix socket without waiting, whose path begins with `/`, or with `@` if it is abstract; throws
   * when that fails.
   */
  sendDatagram(path: string, text: string): void;
  /**
   * Becomes `path` run as another user who keeps CAP_NET_ADMIN and CAP_NET_RAW alone: does not return. Throws when that
   * fails; the process must end then, as it may be this user by half.
   */
  becomeUser(uid: number, gid: number, groups: number[], path: string, argv: string[], env: string[]): void;
  /**
   * Calls `start`, which is not asynchronous, and returns what it does. Programs that it starts get no ambient
   * capabilities of this process, which keeps its own.
   */
  withoutAmbientCapabilities<T>(start: () => T): T;
  schedulers: string[];
  forwardingMethods: string[];
  /** An entry for each of `forwardingMethods`: native/forward/forwarding_traits.h. */
  forwardingTraits: {
    isTunnel: boolean;
    needsSource: boolean;
    keepsPorts: boolean;
    hasPort: boolean;
    takesSource: boolean;
    checksums: string[];
  }[];
  egresses: string[];
  offloads: string[];
  counters: string[];
  /**
   * An entry for each of `counters`: what is counted (packets, bytes, ...), and which of it, in words without a full
   * stop.
   */
  counterInfos: { kind: string; sentence: string }[];
  decapCounters: string[];
  /** The same for each of `decapCounters`. */
  decapCounterInfos: { kind: string; sentence: string }[];
  verdicts: string[];
  /** An entry for each of `verdicts`: what roughly becomes of such a packet, and why, in words without a full stop. */
  verdictInfos: { kind: 'sent' | 'answered' | 'kept' | 'dropped'; sentence: string }[];
  /** Why messages of connection sync, or parts of them, are refused: a sentence without a full stop, by name. */
  syncRefusals: Record<string, string>;
  /** What becomes of records of connection sync, in the same way. */
  syncOutcomes: Record<string, string>;
  sysctlNames: string[];
  /** The sysctls that have no effect, with the reason: `has no effect here: ${why}`. */
  inertSysctls: Record<string, string>;
  timeoutNames: string[];
}

const MEND = 'run "npm rebuild tunvs" (needs python3, make and g++)';

function notBuilt(message: string, details?: TunvsErrorDetails): TunvsError {
  return new TunvsError('ERR_TUNVS_NOT_BUILT', message, details);
}

function load(): Native {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = packageRoot(here);
  if (root === undefined)
    throw notBuilt(`the package tunvs is incomplete, with no binding.gyp above ${here}: install it again`);
  const require = createRequire(import.meta.url);
  let first: Error | undefined;
  for (const binary of binaries(root)) {
    try {
      return require(binary) as Native;
    } catch (error) {
      // Of another machine or a build that was cut short: the dynamic linker says which.
      first ??= error as Error;
    }
  }
  if (first) throw notBuilt(`the native part of tunvs cannot be loaded (${first.message}): ${MEND}`, { cause: first });
  throw notBuilt(`the native part of tunvs is not built (there is none for this machine in ${root}): ${MEND}`);
}

export const native: Native = load();
