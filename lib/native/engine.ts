/** The native director on a device. */
import type { NativeDirector, NativeDirectorOptions, NativePolicyListener } from './director.js';
import type { NativePolicyColumns } from './policies.js';

export interface NativeEngineOptions extends NativeDirectorOptions {
  /** Worker threads, one per device queue, [1, 64]. */
  workers: number;
}

export interface NativeStartOptions {
  device: {
    /** Interface name, at most 15 bytes; may hold `%d`. Attached when it exists, created otherwise. */
    name: string;
    queues: number;
    /** Longest packet read, bytes, [576, 65535]. */
    maxPacketBytes: number;
  };
  /** What is read from them carries a mark, [1, 2^32-1]. The queues of all devices are the director's workers. */
  markDevices: { name: string; queues: number; mark: number }[];
  /** 'auto' or one of `native.egresses`. */
  egress: string;
  /** How long a worker spins on an idle device before it sleeps, microseconds; 0: not at all. */
  busyPollUs: number;
}

export interface NativeStarted {
  device: string;
  /** The device was there before and stays. */
  attached: boolean;
  /** In the order of the options. */
  markDevices: { name: string; attached: boolean }[];
  egress: string;
  /** Why each egress that 'auto' passed over was not taken. */
  passedOver: { egress: string; reason: string }[];
  /** What does not work, though the director runs; one sentence each. */
  warnings: string[];
}

export interface NativeEvent {
  type: string;
  /** Meaning depends on the type. */
  value: number;
  message: string;
}

/** See native/binding/engine_wrap.h. */
export interface NativeEngine extends NativeDirector {
  start(options: NativeStartOptions): NativeStarted;
  /** Called on the event loop with what happened since the last call; batched, never keeps the process alive. */
  onEvents(callback: (events: NativeEvent[]) => void): void;
  /**
   * `answer` is called within putQuestions(), about the columns that this returns; `onQuestions` on the event loop when
   * putQuestions() has something to do. Once, before start().
   */
  onPolicies(answer: NativePolicyListener, onQuestions: () => void): NativePolicyColumns;
  /**
   * Has what waits answered, for a few milliseconds; `onQuestions` is called again where more waits. Does nothing on a
   * closed director.
   */
  putQuestions(): void;
  /** CPU time of the worker threads so far, nanoseconds. */
  workerCpu(): { userNs: bigint; systemNs: bigint }[];
}
