/** What came of a torn datagram: from a kernel alone, and from a director with two real servers before a kernel. */
import { Director, type OfflineDirector } from '../../lib/index.js';
import { reassemble } from './golden-fragments.js';
import { KERNEL, type KernelOutcome, KernelStack, LISTENING_PORT } from './kernel-stack.js';
import { formatQuote } from './torn-quotes.js';
import { readIp, readTunnel } from './packets-read.js';
import type { TornPacket } from './torn-datagrams.js';

/** One real server of each family, so that tunnels are of all four kinds. */
const SERVERS = ['10.3.0.11', '2001:db8:3::12'];
const SOURCES = ['10.2.0.2', '2001:db8:2::2'];

export interface TornOutcome {
  /** `client port: payload`. */
  delivered: string[];
  /** ICMP errors: type, code, to whom, about what. */
  answers: string[];
}

export function outcomeOf({ delivered, sent }: KernelOutcome): TornOutcome {
  return {
    delivered: delivered.map(({ from, payload }) => `${from}: ${payload}`).sort(),
    answers: sent.flatMap((packet) => formatQuote(packet) ?? []).sort(),
  };
}

export class DirectorBeforeKernel implements AsyncDisposable {
  readonly #director: OfflineDirector;
  readonly #kernel: KernelStack;
  #nowMs = 0;

  static async open(): Promise<DirectorBeforeKernel> {
    return new DirectorBeforeKernel(await KernelStack.open());
  }

  private constructor(kernel: KernelStack) {
    this.#kernel = kernel;
    this.#director = Director.offline({ source: SOURCES, maxConnections: 16384 });
    for (const family of [4, 6] as const) {
      const service = this.#director.addVirtualService({
        protocol: 'udp',
        address: KERNEL[family].own,
        port: LISTENING_PORT,
        scheduler: 'rr',
        onePacket: true,
      });
      for (const address of SERVERS) service.addRealServer({ address, forwarding: 'ipip' });
    }
  }

  /** REQUIRES: no datagram before had the same identification. */
  async take(packets: readonly TornPacket[]): Promise<{ outcome: TornOutcome; verdicts: string[] }> {
    this.#nowMs += 10;
    const { outputs, verdicts } = this.#director.process(
      packets.map(({ bytes }) => bytes),
      this.#nowMs,
    );
    const answers: Uint8Array[] = [];
    const tunnelled: Uint8Array[] = [];
    const serverOf = new Map<number, string>();
    for (const { data, cause } of outputs) {
      const outer = readIp(data);
      if (!outer) throw new Error('the director sent what is no IP packet');
      if (!SERVERS.includes(outer.destination)) {
        answers.push(data);
        continue;
      }
      const datagram = packets[cause]?.datagram ?? -1;
      const server = serverOf.get(datagram) ?? outer.destination;
      if (server !== outer.destination) throw new Error(`datagram ${datagram} went to ${server} and ${outer.destination}`);
      serverOf.set(datagram, server);
      tunnelled.push(data);
    }
    const inner = reassemble(tunnelled).flatMap((packet) => {
      const outer = readIp(packet);
      return (outer && readTunnel(outer)?.inner) ?? [];
    });
    const { delivered, sent } = await this.#kernel.take(inner);
    return { outcome: outcomeOf({ delivered, sent: [...sent, ...answers] }), verdicts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#director.close();
    await this.#kernel[Symbol.asyncDispose]();
  }
}
