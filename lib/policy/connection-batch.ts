/** New connections as a connection policy sees them: rows of columns that the native part has filled. */
import { formatAddress } from '../values/inet.js';
import type { NativePolicyColumns } from '../native/policies.js';
import { type Protocol, protocolName } from '../values/protocol.js';
import type { PolicyServer, PolicyService } from './subject.js';

/** Stands in the column of answers in place of a real server's id. */
export const SCHEDULER_DECIDES = 0xffffffff;
export const NO_ANSWER = 0xfffffffe;

const ADDRESS_STRIDE = 16;
const PACKET_STRIDE = 256;

/** The real servers that may be chosen, with their native ids. */
export interface Choices {
  readonly servers: readonly PolicyServer[];
  readonly ids: Uint32Array;
  readonly indexOf: ReadonlyMap<PolicyServer, number>;
}

/**
 * The new connections of one virtual service, of which a {@link DecideBatch} chooses a real server for each row.
 *
 * The arrays are valid until the function returns, and hold more rows than `length`. They lie in shared memory, which
 * cannot be transferred; `slice()` copies what is to be kept, or what is handed to something that refuses shared
 * memory.
 *
 * @example
 * ```ts
 * import { type ConnectionBatch, connectionPolicy } from 'tunvs';
 *
 * function decideBatch(batch: ConnectionBatch): void {
 *   for (let row = 0; row < batch.length; row++) batch.choose(row, batch.clientNumber(row) % batch.servers.length);
 * }
 * console.log(connectionPolicy({ decideBatch }).name); // decideBatch
 * ```
 */
export class ConnectionBatch {
  /** The number of rows, from 1 on. */
  length = 0;
  /** The virtual service that the connections are of. */
  readonly service: PolicyService;
  /** The client addresses, 16 bytes each. An IPv4 address takes the first 4. */
  readonly clients: Uint8Array;
  /** The client ports; see {@link NewConnection.clientPort}. */
  readonly clientPorts: Uint16Array;
  /** The virtual addresses, 16 bytes each. An IPv4 address takes the first 4. */
  readonly virtuals: Uint8Array;
  /** The virtual ports. */
  readonly virtualPorts: Uint16Array;
  readonly #columns: NativePolicyColumns;
  #choices: Choices;

  /** @internal */
  constructor(service: PolicyService, columns: NativePolicyColumns, choices: Choices) {
    this.service = service;
    this.#columns = columns;
    this.#choices = choices;
    this.clients = columns.clients;
    this.clientPorts = columns.clientPorts;
    this.virtuals = columns.virtuals;
    this.virtualPorts = columns.virtualPorts;
  }

  /**
   * The real servers that may get new connections, in the order in which they were added: those that are up, not
   * drained, and of a weight above 0.
   */
  get servers(): readonly PolicyServer[] {
    return this.#choices.servers;
  }

  /** Returns the client's address as text. */
  clientAddress(row: number): string {
    return this.#address(this.clients, row);
  }

  /** Returns the client's IPv4 address as a number, or the first 32 bits of its IPv6 address. */
  clientNumber(row: number): number {
    const at = row * ADDRESS_STRIDE;
    const bytes = this.clients;
    return (
      ((bytes[at] as number) * 0x1000000 +
        ((bytes[at + 1] as number) << 16) +
        ((bytes[at + 2] as number) << 8) +
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  /** Returns the virtual address as text. */
  virtualAddress(row: number): string {
    return this.#address(this.virtuals, row);
  }

  /** Returns the transport protocol. */
  protocol(row: number): Protocol {
    return protocolName(this.#columns.protocols[row] as number) as Protocol;
  }

  /** Returns the beginning of the first packet, from its IP header on: as many bytes as the policy asked for. */
  packet(row: number): Uint8Array {
    const at = row * PACKET_STRIDE;
    return this.#columns.packets.subarray(at, at + (this.#columns.packetLengths[row] as number));
  }

  /**
   * Chooses the real server of a row. When nothing is chosen for a row, the service's scheduler decides.
   *
   * @param row - The row, from 0 on.
   * @param server - One of `servers`, its index there, or undefined, which lets the scheduler decide. The scheduler
   *   decides for any other server as well, and the row counts as a failure.
   * @throws `RangeError` when the batch has no such row.
   */
  choose(row: number, server: PolicyServer | number | undefined): void {
    const { ids, indexOf } = this.#choices;
    const index = typeof server === 'object' && server !== null ? indexOf.get(server) : server;
    if (row >= this.length) throw new RangeError(`there is no row ${row} in a batch of ${this.length}`);
    if (server === undefined) this.#columns.answers[row] = SCHEDULER_DECIDES;
    else this.#columns.answers[row] = (index === undefined ? undefined : ids[index]) ?? NO_ANSWER;
  }

  /** @internal */
  begin(length: number, choices: Choices): void {
    this.length = length;
    this.#choices = choices;
  }

  /** Rows that have no answer yet get none. @internal */
  fail(): void {
    const { answers } = this.#columns;
    for (let row = 0; row < this.length; row++) if (answers[row] === SCHEDULER_DECIDES) answers[row] = NO_ANSWER;
  }

  /** @internal */
  failRow(row: number): void {
    this.#columns.answers[row] = NO_ANSWER;
  }

  /** Whether a server was chosen that cannot be. @internal */
  hasFailed(row: number): boolean {
    return this.#columns.answers[row] === NO_ANSWER;
  }

  #address(column: Uint8Array, row: number): string {
    const at = row * ADDRESS_STRIDE;
    return formatAddress(column.subarray(at, at + (this.#columns.families[row] === 4 ? 4 : 16)));
  }
}

/** A new connection, of which a {@link Decide} chooses the real server. It can be read until the function returns. */
export class NewConnection {
  readonly #batch: ConnectionBatch;
  readonly #row: number;

  /** @internal */
  constructor(batch: ConnectionBatch, row: number) {
    this.#batch = batch;
    this.#row = row;
  }

  /** The virtual service that the connection is of. */
  get service(): PolicyService {
    return this.#batch.service;
  }

  /** The real servers that may get new connections; see {@link ConnectionBatch.servers}. */
  get servers(): readonly PolicyServer[] {
    return this.#batch.servers;
  }

  /** The transport protocol. */
  get protocol(): Protocol {
    return this.#batch.protocol(this.#row);
  }

  /** The client's address (CIP). */
  get clientAddress(): string {
    return this.#batch.clientAddress(this.#row);
  }

  /** The client's IPv4 address as a number, or the first 32 bits of its IPv6 address. */
  get clientNumber(): number {
    return this.#batch.clientNumber(this.#row);
  }

  /**
   * The client's port. Linux gives outgoing connections even ports as long as there are some, so `clientPort % 2` does
   * not halve them; take a hash, or other bits.
   */
  get clientPort(): number {
    return this.#batch.clientPorts[this.#row] as number;
  }

  /** The virtual address (VIP). */
  get virtualAddress(): string {
    return this.#batch.virtualAddress(this.#row);
  }

  /** The virtual port. */
  get virtualPort(): number {
    return this.#batch.virtualPorts[this.#row] as number;
  }

  /**
   * The first `packetBytes` of the first packet, from its IP header on. It is empty unless the policy asks for some.
   */
  get packet(): Uint8Array {
    return this.#batch.packet(this.#row);
  }
}
