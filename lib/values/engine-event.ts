/** The events of a working director. */

/** Rare news from the engine; several of a kind are told as one. */
export interface EngineEvent {
  /**
   * `tableFull`: connections gave way to new ones, or new ones were refused; `value` is how many of both since the last
   * such event, `message` how many of each.
   * `eventsLost`: events came faster than they were read; `value` is how many were lost.
   * `policyFailed`: a policy threw, rejected or answered what cannot be, the first time for ten seconds; `value` is how
   * often since the last such event, `cause` what it threw.
   * `packetsLost`: packets could not be sent; `value` is how many since the last such event, `message` says why.
   * `packetsTooLong`: packets were longer than the device's buffers and were dropped; `value` likewise.
   * `errorsUnread`: ICMP errors about tunnel packets could not be read; `value` is how often since the last such event.
   * `hostMended`: `value` things that the director needs of its host were missing and have been put back.
   * `hostNotMended`: `value` things are missing and could not be put back; `cause` is why. It is tried again.
   * `hostContested`: `value` things were taken away again and again, and are left alone for a while.
   * `hostConflict`: something else on the host keeps packets from the director.
   * `hostUnreadable`: the host cannot be watched as it should; the message says why and what that means.
   * `deviceRenamed`: a device has another name, and the director goes on with it.
   * `serversMoved`: `value` real servers have become local, or are no more, as the host's addresses have changed; 0: one
   * could not be moved.
   * `deviceLost`, on the diagnostics channel only: a worker's device is gone; `value` is the worker.
   */
  type: string;
  value: number;
  /** One sentence. */
  message: string;
  /** Of news of the host: what it is about, each in words. */
  things?: readonly string[];
  /** Where somebody's code threw: what. */
  cause?: unknown;
}
