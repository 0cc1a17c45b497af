/** The native director on a device. */
import type { NativeDirector, NativeDirectorOptions, NativePolicyListener } from './director.js';
import type { NativePolicyColumns } from './policies.js';

export interface NativeEngineOptions extends NativeDirectorOptions {
  /** Worker threads, one per device queue, [1, 64]. */
  workers: number;
}

export interface NativeStartOptions {
  device: {
    /** Interface name, at most 15 bytes; may hold `%d`. The device is attached when it exists, created otherwise. */
    name: string;
    queues: number;
    /** Longest packet that is read, bytes, [576, 65535]. */
    maxPacketBytes: number;
  };
  /** Packets read from these devices carry a mark, [1, 2^32-1]. Each queue of every device has a worker. */
  markDevices: { name: string; queues: number; mark: number }[];
  /** 'auto' or one of `native.egresses`. */
  egress: string;
  /** How long a worker spins on an idle device before it sleeps, microseconds; 0 means not at all. */
  busyPollUs: number;
}

export interface NativeStarted {
  device: string;
  /** The device existed before and stays. */
  attached: boolean;
  /** In the order of the options. */
  markDevices: { name: string; attached: boolean }[];
  egress: string;
  /** Says why 'auto' did not take each egress that it passed over. */
  passedOver: { egress: string; reason: string }[];
  /** Says what does not work although the director runs; one sentence each. */
  warnings: string[];
}

export interface NativeEvent {
  type: 'deviceLost' | 'tableFull' | 'packetsLost' | 'packetsTooLong' | 'errorsUnread' | 'eventsLost';
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
}
