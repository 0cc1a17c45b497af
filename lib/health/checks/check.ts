/** What a check is: it asks one real server, by one way, and says what it has found. */
import type { Socket } from 'node:net';

/** Why a server counts as failed, in a word that programs may compare. */
export const failureReasons = [
  'timeout',
  'refused',
  'unreachable',
  'closed',
  'wrong answer',
  'wrong certificate',
  'not decapsulating',
  'failed',
] as const;

/**
 * Why a server counts as failed. 'refused' is a TCP reset, or ICMP that says that the port is closed; 'unreachable' is
 * any other ICMP error; 'closed' is a connection that ended before the answer; 'not decapsulating' is silence on the
 * virtual address while the server's own address answers; 'failed' is a check that could not be made.
 */
export type FailureReason = (typeof failureReasons)[number];

/** How a check changes the weight of a server that has passed. */
export type WeightAdvice =
  | {
      /** The weight in place of the configured one. */
      weight: number;
    }
  | {
      /** What the configured weight is multiplied with. */
      factor: number;
    }
  | {
      /** What is added to the configured weight; it may be negative. */
      add: number;
    };

/** What a check has found. */
export interface Finding {
  /** Whether the server has passed. */
  passed: boolean;
  /** Why it has not passed. */
  reason?: FailureReason;
  /** What was found, as in 'status 503'. */
  message: string;
  /** What most likely mends it, as a sentence. */
  mend?: string;
  /** What will fail soon, such as a certificate that expires. */
  warning?: string;
  /** How the server's weight changes. */
  advice?: WeightAdvice;
  /** The fault is that of the director's host, so a failure says nothing of the server. */
  isOwnFault?: boolean;
}

/**
 * A check that has failed for a reason it knows; a check throws it, or answers it as a finding.
 *
 * @example
 * ```ts
 * import { CheckFailure, functionCheck } from 'tunvs/health';
 *
 * const check = functionCheck(() => {
 *   throw new CheckFailure('wrong answer', 'the replica lags behind', { mend: 'Look after its disk.' });
 * });
 * console.log(check.needsWay); // true
 * ```
 */
export class CheckFailure extends Error {
  /** 'CheckFailure'. */
  override readonly name = 'CheckFailure';
  /** Why the server counts as failed. */
  readonly reason: FailureReason;
  /** What most likely mends it, as a sentence. */
  readonly mend: string | undefined;
  /** See {@link Finding.isOwnFault}. */
  readonly isOwnFault: boolean;

  constructor(
    reason: FailureReason,
    message: string,
    options: { mend?: string; cause?: unknown; isOwnFault?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.mend = options.mend;
    this.isOwnFault = options.isOwnFault ?? false;
  }
}

/** A UDP socket that is connected to the server. */
export interface Datagrams extends Disposable {
  /** Sends a datagram; receive() tells what comes of it. */
  send(payload: Uint8Array): void;
  /** Resolves with the next datagram; rejects with a CheckFailure for ICMP, and with the signal's reason. */
  receive(signal: AbortSignal): Promise<Buffer>;
}

/** How a check reaches the server: as its clients do, or at its own address. */
export interface Way {
  /** Which of them it is. */
  readonly name: 'vip' | 'address';
  /** The address that the check connects to: the VIP or the RIP. */
  readonly address: string;
  /** The port that it connects to, unless a check says another. */
  readonly port: number;
  /**
   * Connects by TCP. Rejects with a CheckFailure whose reason is 'refused', 'unreachable' or 'failed', or with the
   * signal's reason. When the caller is done, it destroys the socket, which resets the connection if it is still open.
   */
  connect(signal: AbortSignal, options?: { port?: number }): Promise<Socket>;
  /**
   * Connects by TCP as connect() does, and resets the connection as soon as it is taken, for less than connect() costs.
   * A way of an embedder's own need not have it.
   */
  knock?(signal: AbortSignal, options?: { port?: number }): Promise<void>;
  /** Opens a UDP socket that is connected to the server. Rejects as connect() does. */
  datagrams(signal: AbortSignal, options?: { port?: number }): Promise<Datagrams>;
}

/** The real server that is checked. */
export interface CheckedServer {
  /** The real server's own address (RIP). */
  readonly address: string;
  /** The port of the real server. */
  readonly port: number;
  /** The service's address (VIP), port and protocol, as its listing has them. */
  readonly service: {
    /** 'tcp', 'udp' or 'sctp'. */
    readonly protocol: string;
    /** The virtual address (VIP). */
    readonly address: string;
    /** The virtual port. */
    readonly port: number;
  };
}

/** What a check runs with. */
export interface CheckContext {
  /** The real server that is checked. */
  readonly server: CheckedServer;
  /** How it is reached. */
  readonly way: Way;
  /** Is aborted when the time is over; what the check has opened or started ends then. */
  readonly signal: AbortSignal;
}

/** One kind of check with its options. It has no state of its own: two runs may be under way at once. */
export interface Check {
  /** The name of the kind, as in the configuration: 'tcp', 'http'. */
  readonly kind: string;
  /** Checks with the same identity ask the same thing. Without one the check is like no other. */
  readonly identity?: string;
  /** Whether it reaches the server by a way; an 'exec' does not, and nothing is pinned for it. */
  readonly needsWay: boolean;
  /** Whether nothing that it has opened is open any more when it has answered, so that its signal is not aborted then. */
  readonly closesAll?: boolean;
  /** Resolves with what it has found. It may throw a CheckFailure, or the signal's reason. */
  run(context: CheckContext): Promise<Finding>;
}

/**
 * Makes the finding of a server that has passed.
 *
 * @example
 * ```ts
 * import { passed } from 'tunvs/health';
 *
 * console.log(passed('status 200').passed); // true
 * ```
 */
export const passed = (message: string, more: Omit<Finding, 'passed' | 'message'> = {}): Finding => ({
  passed: true,
  message,
  ...more,
});
