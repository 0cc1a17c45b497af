/** A director embedded in a process of a lab's director host, steered from the test. */
import type { Director, DirectorOpenOptions, RealServerOptions, FastPathChoice } from '../../lib/index.js';
import { Agent } from '../../lib/lab/agent.js';
import type { LabHost } from '../../lib/lab/lab-host.js';

/**
 * Labs are also run with TUNVS_TEST_FAST_PATH=auto, and with TUNVS_TEST_RINGS=eth0: nothing that they see may depend on
 * who carries the packets.
 */
const { TUNVS_TEST_FAST_PATH: fastPath, TUNVS_TEST_RINGS: ring } = process.env;
const inMode: Partial<DirectorOpenOptions> = {
  ...(fastPath !== undefined && { fastPath: fastPath as FastPathChoice }),
  ...(ring !== undefined && { rings: [ring] }),
};

export class DirectorAgent {
  readonly #agent: Agent;

  static async open(host: LabHost, options: DirectorOpenOptions): Promise<DirectorAgent> {
    const agent = await Agent.connect(host.node(new URL('./programs/director-agent.js', import.meta.url)));
    try {
      // A ring sees packets before they have marks.
      const rings = options.markDevices === undefined ? {} : { rings: [] };
      await agent.call('open', { ...inMode, ...rings, ...options });
    } catch (error) {
      await agent.process.stop();
      throw error;
    }
    return new DirectorAgent(agent);
  }

  private constructor(agent: Agent) {
    this.#agent = agent;
  }

  /** Runs `body` over there, where it sees nothing but its parameters; returns its result as JSON carries it. */
  run<Result, Argument = null>(
    body: (director: Director, argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Awaited<Result>> {
    return this.#agent.call('run', { source: body.toString(), argument: argument ?? null });
  }

  /** Blocks the process's event loop; resolves when that goes on again. */
  block(durationMs: number): Promise<void> {
    return this.#agent.call('block', { durationMs });
  }

  /** Ends its process, which gets no chance to undo anything. */
  async kill(): Promise<void> {
    await this.#agent.process.stop('SIGKILL');
  }

  /** Closes the director and ends its process. */
  async close(): Promise<void> {
    await this.#agent.call('close');
    await this.#agent.process.stop();
  }
}

export interface ServiceOptions {
  address: string;
  port: number;
  protocol?: 'tcp' | 'udp';
  scheduler: 'rr' | 'wrr' | 'lc' | 'wlc';
  /** In the order of adding. */
  servers: readonly RealServerOptions[];
}

export function addService(director: DirectorAgent, options: ServiceOptions): Promise<void> {
  return director.run((d, { address, port, protocol = 'tcp', scheduler, servers }: ServiceOptions) => {
    d.transaction((t) => {
      const service = t.addVirtualService({ protocol, address, port, scheduler });
      for (const server of servers) service.addRealServer(server);
    });
  }, options);
}
