/** The counters' names, so that the compiler knows them; a test compares them with the native part's. */

/** The counters of a director, in the native part's order. */
export const counterNames = [
  'received',
  'receivedBytes',
  'forwardedBytes',
  'connectionsCreated',
  'connectionsMidStream',
  'connectionsExpired',
  'connectionsEvicted',
  'evictedClosing',
  'evictedUnproven',
  'evictedIdle',
  'templatesEvicted',
  'connectionsDropped',
  'templatesCreated',
  'templatesEnded',
  'vectors',
  'readsHeldBack',
  'handedOut',
  'fragmentsSent',
  'fragmentsReleased',
  'fragmentsRefused',
  'parkedReleased',
  'parkedRefused',
  'answersUnreachable',
  'answersReset',
  'answersSuppressed',
  'pathMtuLowered',
  'pathMtuDisbelieved',
  'sent',
  'sentToHost',
  'egressNoBuffer',
  'egressNoRoute',
  'egressTooLong',
  'egressFailed',
  'oversized',
  'forwarded',
  'pinned',
  'answeredEcho',
  'answeredTooBig',
  'relayedIcmp',
  'recreatedIcmp',
  'consumedIcmp',
  'waitingFragment',
  'parked',
  'dropTruncated',
  'dropBadVersion',
  'dropBadHeader',
  'dropBadChecksum',
  'dropBadSource',
  'dropSourceRouted',
  'dropTtlExpired',
  'dropFragment',
  'dropProtocol',
  'dropIcmp',
  'dropShortTransport',
  'dropNoService',
  'dropNotScheduled',
  'dropNoCallId',
  'dropDefence',
  'dropNoServer',
  'dropServerGone',
  'dropNoSource',
  'dropTableFull',
  'dropTooLong',
  'dropParkingFull',
] as const;

/** The counters of a real server in userspace mode, in the native part's order. */
export const realServerCounterNames = [
  'received',
  'delivered',
  'deliveredBytes',
  'badOuter',
  'unknownDirector',
  'badTunnelHeader',
  'badTunnelChecksum',
  'badInner',
  'badInnerChecksum',
  'notVirtualAddress',
  'congestionNotSignallable',
  'writeFailed',
  'socketFull',
] as const;

/** The name of a counter of a director; {@link counterMeanings} says what each counts. */
export type CounterName = (typeof counterNames)[number];
/** The name of a counter of a real server's host; {@link realServerCounterMeanings} says what each counts. */
export type RealServerCounterName = (typeof realServerCounterNames)[number];

/** The name of a counter of packets that were dropped. */
export type DropName = Extract<CounterName, `drop${string}`>;

export const isDropName = (name: CounterName): name is DropName => name.startsWith('drop');

/** The counters of packets that were dropped, one for each reason. */
export const dropNames: readonly DropName[] = counterNames.filter(isDropName);
