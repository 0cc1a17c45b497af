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
 * New connections of one virtual service, `length` of them; a policy chooses a server for each row. Its arrays hold
 * until the function returns, and more rows than `length`. They lie in shared memory, which cannot be transferred:
 * `slice()` copies what is to be kept, or handed to what refuses shared memory.
 */
export class ConnectionBatch {
  /** Rows. */
  length = 0;
  readonly service: PolicyService;
  /** Client addresses, 16 bytes each, of which IPv4 takes the first 4. */
  readonly clients: Uint8Array;
  readonly clientPorts: Uint16Array;
  /** Virtual addresses, as `clients`. */
  readonly virtuals: Uint8Array;
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

  /** Those that may get new connections: up, not drained, of weight above 0; in the order of adding. */
  get servers(): readonly PolicyServer[] {
    return this.#choices.servers;
  }

  clientAddress(row: number): string {
    return this.#address(this.clients, row);
  }

  /** The client's IPv4 address as a number; of an IPv6 address, the first 32 bits. */
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

  virtualAddress(row: number): string {
    return this.#address(this.virtuals, row);
  }

  protocol(row: number): Protocol {
    return protocolName(this.#columns.protocols[row] as number) as Protocol;
  }

  /** The first packet, from its IP header on, as many bytes as the policy asked for. */
  packet(row: number): Uint8Array {
    const at = row * PACKET_STRIDE;
    return this.#columns.packets.subarray(at, at + (this.#columns.packetLengths[row] as number));
  }

  /** Rows that nothing is chosen for, or undefined, go where the service's scheduler sends them. */
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

/** One new connection; to be read before the function returns. */
export class NewConnection {
  readonly #batch: ConnectionBatch;
  readonly #row: number;

  /** @internal */
  constructor(batch: ConnectionBatch, row: number) {
    this.#batch = batch;
    this.#row = row;
  }

  get service(): PolicyService {
    return this.#batch.service;
  }

  /** As {@link ConnectionBatch.servers}. */
  get servers(): readonly PolicyServer[] {
    return this.#batch.servers;
  }

  get protocol(): Protocol {
    return this.#batch.protocol(this.#row);
  }

  get clientAddress(): string {
    return this.#batch.clientAddress(this.#row);
  }

  /** As {@link ConnectionBatch.clientNumber}. */
  get clientNumber(): number {
    return this.#batch.clientNumber(this.#row);
  }

  get clientPort(): number {
    return this.#batch.clientPorts[this.#row] as number;
  }

  get virtualAddress(): string {
    return this.#batch.virtualAddress(this.#row);
  }

  get virtualPort(): number {
    return this.#batch.virtualPorts[this.#row] as number;
  }

  /** The first packet, from its IP header on: `packetBytes` of it, none unless the policy asks for some. */
  get packet(): Uint8Array {
    return this.#batch.packet(this.#row);
  }
}
