/** What became of a torn datagram: at a kernel alone, and at a director with two real servers before a kernel. */
import { Director, type OfflineDirector } from '../../lib/index.js';
import { KERNEL, type KernelOutcome, KernelStack, LISTENING_PORT } from './kernel-stack.js';
import { formatQuote } from './torn-quotes.js';
import { isFragment, readIp, readTunnel } from './packets-read.js';
import type { TornPacket } from './torn-datagrams.js';

/** There is one real server of each family, so that tunnels of all four kinds occur. */
const SERVERS = ['10.3.0.11', '2001:db8:3::12'];
const SOURCES = ['10.2.0.2', '2001:db8:2::2'];

export interface TornOutcome {
  /** `client port: payload`. */
  delivered: string[];
  /** ICMP errors: type, code, to whom, about what. */
  errors: string[];
}

export function outcomeOf({ delivered, sent }: KernelOutcome): TornOutcome {
  return {
    delivered: delivered.map(({ from, payload }) => `${from}: ${payload}`).sort(),
    errors: sent.flatMap((packet) => formatQuote(packet) ?? []).sort(),
  };
}

export class DirectorBeforeKernel implements AsyncDisposable {
  readonly #director: OfflineDirector;
  /** Each real server has a kernel of its own: pieces that part are put together nowhere. */
  readonly #kernels: readonly KernelStack[];
  #nowMs = 0;

  static async open(): Promise<DirectorBeforeKernel> {
    return new DirectorBeforeKernel(await Promise.all(SERVERS.map(() => KernelStack.open())));
  }

  private constructor(kernels: readonly KernelStack[]) {
    this.#kernels = kernels;
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

  /** REQUIRES: no earlier datagram had the same identification. */
  async take(packets: readonly TornPacket[]): Promise<{ outcome: TornOutcome; verdicts: string[] }> {
    this.#nowMs += 10;
    const { outputs, verdicts } = this.#director.process(
      packets.map(({ bytes }) => bytes),
      this.#nowMs,
    );
    const sent = outputs.map(({ data }) => data);
    const isFor = (server: string) => (packet: Uint8Array) => readIp(packet)?.destination === server;
    const outcomes = await Promise.all(
      SERVERS.map((server, at) => this.#kernels[at]?.take(sent.filter(isFor(server)).flatMap(innerOf))),
    );
    const answers = sent.filter((packet) => !SERVERS.some((server) => isFor(server)(packet)));
    const all = {
      delivered: outcomes.flatMap((each) => each?.delivered ?? []),
      sent: [...answers, ...outcomes.flatMap((each) => each?.sent ?? [])],
    };
    return { outcome: outcomeOf(all), verdicts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#director.close();
    for (const kernel of this.#kernels) await kernel[Symbol.asyncDispose]();
  }
}

function innerOf(packet: Uint8Array): Uint8Array[] {
  const outer = readIp(packet);
  if (!outer || isFragment(outer)) throw new Error('a tunnel packet came in fragments: send shorter ones');
  const tunnelled = readTunnel(outer);
  return tunnelled ? [tunnelled.inner] : [];
}
