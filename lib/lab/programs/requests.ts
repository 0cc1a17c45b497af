/** The requests to the lab's client, and its answers. */

export interface FetchRequest {
  /** VIP */
  address: string;
  port: number;
  /** Address that the client asks from; by default the host chooses. */
  localAddress?: string;
  /** Requests of one name share one kept-alive connection; a request without a name has its own, closed afterwards. */
  connection?: string;
  /** Length of the answer that is asked for, bytes; absent for a short one. */
  downloadBytes?: number;
  /** Length of the body that is sent, bytes. */
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
  /** Requests in flight at once. */
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
  /** The first twenty failures, a sentence each. */
  failures: string[];
}

export interface UdpRequest {
  address: string;
  port: number;
  /** Client ports, which make as many connections. */
  sockets: number;
  /** Datagrams through each port. */
  datagrams: number;
  /** Length of each datagram, [30, 65,000]; by default as short as possible. */
  bytes?: number;
  timeoutMs?: number;
}

export interface UdpResult {
  /** Who answered, by socket; several names joined with `+` when it was not always the same. */
  servers: string[];
  failures: string[];
}
