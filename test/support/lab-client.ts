/** A lab's client, which asks a virtual address for things. */
import type { Agent } from '../../lib/lab/agent.js';
import type {
  FetchManyRequest,
  FetchManyResult,
  FetchRequest,
  FetchResult,
  UdpRequest,
  UdpResult,
} from '../../lib/lab/programs/requests.js';

export class LabClient {
  /** What is asked, unless a request says otherwise. */
  readonly virtualAddress: string;
  readonly #agent: Agent;
  readonly #port: number;

  constructor(agent: Agent, virtualAddress: string, port: number) {
    this.#agent = agent;
    this.virtualAddress = virtualAddress;
    this.#port = port;
  }

  fetch(request: Partial<FetchRequest> = {}): Promise<FetchResult> {
    return this.#agent.call('fetch', { address: this.virtualAddress, port: this.#port, ...request });
  }

  fetchMany(
    request: Omit<FetchManyRequest, 'address' | 'port'> & { address?: string; port?: number },
  ): Promise<FetchManyResult> {
    return this.#agent.call('fetchMany', { address: this.virtualAddress, port: this.#port, ...request });
  }

  udp(request: Omit<UdpRequest, 'address' | 'port'> & { address?: string }): Promise<UdpResult> {
    return this.#agent.call('udp', { address: this.virtualAddress, port: this.#port, ...request });
  }

  /** Lets the uploads that wait at their `holdAfterBytes` go on. */
  resume(): Promise<void> {
    return this.#agent.call('resume');
  }

  closeConnection(connection: string): Promise<void> {
    return this.#agent.call('closeConnection', { connection });
  }
}
