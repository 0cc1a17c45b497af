/** The native director on a device. */
import type { NativeDirector, NativeDirectorOptions, NativePolicyListener } from './director.js';
import type { NativePolicyColumns } from './policies.js';
import type { NativeSync, NativeSyncOptions } from './sync.js';

export interface NativeEngineOptions extends NativeDirectorOptions {
  /** Worker threads, one per device queue, [1, 64]. */
  workers: number;
  /** 'off', which is the default, 'auto' or 'egress'. */
  fastPath?: string;
  /** The folder of the file in which the tables lie, so that they outlive the process; the default is none. */
  state?: string;
}

/** The queues of a device that another process has handed over. */
export interface NativeGivenQueues {
  /** Open descriptors, as many as the device has queues; the native part closes them. */
  given?: readonly number[];
  /** That process had found the device there. */
  wasAttached?: boolean;
}

export interface NativeStartOptions {
  device: {
    /** Interface name, at most 15 bytes; may hold `%d`. The device is attached when it exists, created otherwise. */
    name: string;
    queues: number;
    /** Longest packet that is read, bytes, [576, 65535]. */
    maxPacketBytes: number;
  } & NativeGivenQueues;
  /** Packets read from these devices carry a mark, [1, 2^32-1]. Each queue of every device has a worker. */
  markDevices: ({ name: string; queues: number; mark: number } & NativeGivenQueues)[];
  /** Packets wait in the devices until resume(). */
  isHeld?: boolean;
  /** Flows are steered to queues by a BPF program where the kernel takes one. */
  steersByProgram: boolean;
  /** Worker N runs on the Nth of these CPUs, from the beginning again; [0, 1023] each. Empty: on any. */
  cpus: number[];
  /** The egress 'packet' leaves the queueing discipline out. */
  bypassesQdisc: boolean;
  /** 'auto' or one of `native.egresses`. */
  egress: string;
  /** ['auto'], ['off'], or some of `native.offloads`. */
  offloads: string[];
  /** What comes in by these devices is taken by rings, each of whose queues has a worker. */
  rings: { device: string; queues: number }[];
  /** Packets that come in by these devices take the fast path before the host has routed them. */
  fastPathIngress: string[];
  /** How long a worker spins on an idle device before it sleeps, microseconds; 0 means not at all, and -1 leaves it to the worker. */
  busyPollUs: number;
}

export interface NativeStarted {
  device: string;
  /** The device existed before and stays. */
  attached: boolean;
  /** In the order of the options. */
  markDevices: { name: string; attached: boolean }[];
  /** 'bpf', 'kernel', or 'none' of one queue. */
  steering: string;
  egress: string;
  /** Says why 'auto' did not take each egress that it passed over. */
  passedOver: { egress: string; reason: string }[];
  /** An entry for each of `native.offloads`; the reason says why it is not in force, and is empty when it is. */
  offloads: { name: string; isInForce: boolean; reason: string }[];
  /** Says what does not work although the director runs; one sentence each. */
  warnings: string[];
}

export interface NativeFastPath {
  /** At the director's own devices; the reason says why not, or what is missing at an ingress. */
  isInForce: boolean;
  reason: string;
  /** Where the program is to run: 'egress' or 'ingress' of a device. */
  hooks: { device: string; hook: string; isAttached: boolean; reason: string }[];
}

/** What another process had left. */
export interface NativeTakenOver {
  connections: number;
  templates: number;
  /** Entries that did not hold together. */
  ended: number;
  /** Why nothing was taken although there was something; empty otherwise. */
  reason: string;
}

export interface NativeRing {
  device: string;
  /** It takes something, or has nothing to take. */
  isTaking: boolean;
  /** Why it does not take all that it is to take; empty when it does. */
  reason: string;
  /** How many prefixes it takes. */
  prefixes: number;
  /** Packets for which it had no room, in all. */
  dropped: number;
}

export interface NativeEvent {
  type:
    | 'fastPathChanged'
    | 'ringChanged'
    | 'deviceLost'
    | 'tableFull'
    | 'packetsLost'
    | 'packetsTooLong'
    | 'errorsUnread'
    | 'eventsLost';
  /** The meaning depends on the type. */
  value: number;
  message: string;
}

/** See native/binding/engine_wrap.h. */
export interface NativeEngine extends NativeDirector {
  start(options: NativeStartOptions): NativeStarted;
  /**
   * Called on the event loop with what happened since the last call; calls are batched and never keep the process
   * alive.
   */
  onEvents(callback: (events: NativeEvent[]) => void): void;
  /**
   * putQuestions() calls `answer` about the columns that this returns; `onQuestions` is called on the event loop when
   * putQuestions() has something to do. REQUIRES: called once, before start().
   */
  onPolicies(answer: NativePolicyListener, onQuestions: () => void): NativePolicyColumns;
  /**
   * Answers what waits for a few milliseconds; `onQuestions` is called again where more waits. Does nothing on a closed
   * director.
   */
  putQuestions(): void;
  /** CPU time of the worker threads so far, nanoseconds. */
  workerCpu(): { userNs: bigint; systemNs: bigint }[];
  /** Says of each worker whether it has begun a turn since the call before, and asks each for another. */
  workersTurned(): boolean[];
  fastPath(): NativeFastPath;
  takenOver(): NativeTakenOver;
  /** Has the workers begin that `isHeld` held. */
  resume(): void;
  /** Ends the workers, and gives up the state; packets wait in the devices for another process that has them too. */
  hold(): void;
  /** The descriptors of the queues of each device, the main one's first; they stay the native part's. */
  deviceQueues(): number[][];
  /** Has the rings take what is for these, from now on; the host has all else. */
  setRingPrefixes(prefixes: string[]): void;
  /** Looks at the rings, in the order of the options, and mends what it can. */
  rings(): NativeRing[];
  /** Throws ERR_TUNVS_EXISTS when the role runs already. */
  startSync(role: 'master' | 'backup', options: NativeSyncOptions): void;
  /** Returns false when the role did not run. */
  stopSync(role: 'master' | 'backup'): boolean;
  sync(): NativeSync;
}
