/** The events of a working director. */

/** The values of {@link EngineEventType}. */
export const engineEventTypes = Object.freeze([
  'tableFull',
  'eventsLost',
  'policyFailed',
  'packetsLost',
  'packetsTooLong',
  'errorsUnread',
  'hostMended',
  'hostNotMended',
  'hostContested',
  'hostConflict',
  'hostUnreadable',
  'deviceRenamed',
  'serversMoved',
  'fastPathChanged',
  'ringChanged',
  'sourcesShort',
  'deviceLost',
] as const);

/** The kind of an {@link EngineEvent}, which says what each means. */
export type EngineEventType = (typeof engineEventTypes)[number];

/** Rare news from the engine. Several of a kind are told as one. */
export interface EngineEvent {
  /**
   * The kind of news:
   *
   * - `tableFull`: connections gave way to new ones, or new ones were refused. `value` is how many of both there were
   *   since the last such event, and `message` says how many of each.
   * - `eventsLost`: events came faster than they were read. `value` is how many were lost.
   * - `policyFailed`: a policy threw, rejected or gave an impossible answer, for the first time in ten seconds. `value`
   *   is how often it did since the last such event, and `cause` is what it threw.
   * - `packetsLost`: packets could not be sent. `value` is how many since the last such event; `message` says why.
   * - `packetsTooLong`: packets were longer than the device's buffers and were dropped. `value` is how many since the
   *   last such event.
   * - `errorsUnread`: ICMP errors about tunnel packets could not be read. `value` is how often since the last such
   *   event.
   * - `hostMended`: `value` things that the director needs of its host were missing and have been put back.
   * - `hostNotMended`: `value` things are missing and could not be put back. `cause` is why. The director tries again.
   * - `hostContested`: `value` things were taken away again and again. The director leaves them alone for a while.
   * - `hostConflict`: something else on the host keeps packets from the director.
   * - `hostUnreadable`: the director cannot watch the host as it should. `message` says why and what that means.
   * - `deviceRenamed`: a device has another name, and the director goes on with it.
   * - `serversMoved`: `value` real servers have become local, or are no longer local, because the host's addresses have
   *   changed. 0 says that one could not be moved.
   * - `fastPathChanged`: the fast path's program is no longer attached where it was to run (`value` is 0), or is again
   *   (1). `message` says where, and why.
   * - `ringChanged`: a ring does not take all that it is to take (`value` is 0), or does again (1). `message` says why.
   * - `sourcesShort`: full NAT has come near the end of its pairs of address and port for `value` real servers, or has
   *   none left; `things` names these servers.
   * - `deviceLost`, on the diagnostics channel only: a worker's device is gone. `value` is the worker.
   */
  type: EngineEventType;
  /** The number that goes with the kind. */
  value: number;
  /** The sentence that says what happened. */
  message: string;
  /** The things that the news is about, each in words: those on the host, or real servers. */
  things?: readonly string[];
  /** What somebody's code threw. */
  cause?: unknown;
}
