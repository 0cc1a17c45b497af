/** What the lab's client is asked for and answers. */

export interface FetchRequest {
  /** VIP */
  address: string;
  port: number;
  /** Address that the client asks from; default: the host's choice. */
  localAddress?: string;
  /** Requests of one name share one kept-alive connection; without a name each has its own, closed afterwards. */
  connection?: string;
  /** Answer that is asked for, bytes; absent: a short one. */
  downloadBytes?: number;
  /** Body that is sent, bytes. */
  uploadBytes?: number;
  /** The upload waits after this many bytes until `resume` is called. */
  holdAfterBytes?: number;
  /** Default 10,000. */
  timeoutMs?: number;
}

export interface FetchResult {
  /** Name of the real server that answered. */
  server: string;
  /** Port of the client's end. */
  localPort: number;
  receivedBytes: number;
  /** Length and content of both directions are what they should be. */
  intact: boolean;
}

export interface FetchManyRequest extends FetchRequest {
  requests: number;
  /** In flight at once. */
  concurrency: number;
}

export interface FetchManyResult {
  answered: number;
  intact: number;
  receivedBytes: number;
  /** Requests answered, by real server. */
  servers: Record<string, number>;
  /** Requests that another real server answered than the one before on the same connection. */
  moved: number;
  /** The first twenty, a sentence each. */
  failures: string[];
}

export interface UdpRequest {
  address: string;
  port: number;
  /** Client ports, so connections. */
  sockets: number;
  /** Through each. */
  datagrams: number;
  /** Length of each, [30, 65,000]; default as short as can be. */
  bytes?: number;
  timeoutMs?: number;
}

export interface UdpResult {
  /** By socket: who answered; several joined with `+` when it was not always the same. */
  servers: string[];
  failures: string[];
}
