/** Sends what a recorded director got, byte by byte, to one on a device, whose host is a router as the recorded one was. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Agent } from '../../lib/lab/agent.js';
import type { ByteDirector } from './golden-bytes.js';
import { comparable, GUE_PORT } from './golden-comparable.js';
import type { Mode } from './golden-wire.js';
import { IP_PROTOCOLS, isFragment, readIp, readTunnel } from './packets-read.js';
import { type Arrival, BARRIER_RULES, barrierChange, type Group, Wire } from './wire.js';

const SERVERS = Array.from({ length: 40 }, (_, index) => 11 + index);
/** A packet that may come again is sent so often once more: one by one until it is handed over, then at once. */
const AGAIN = [1, 1, 1, 3];
const AGAIN_PACKETS = AGAIN.reduce((sum, each) => sum + each, 0);
/** The kernel shows the director an ICMP error at a socket of its own, which no barrier passes. */
const ERROR_MS = 20;

export class WireBytes implements ByteDirector {
  readonly #wire: Wire;
  readonly #agent: Agent;
  readonly #mode: Mode;
  #changes = 0;
  /** How many packets came again. */
  again = 0;

  static async open(mode: Mode): Promise<WireBytes> {
    const wire = await Wire.open({
      addresses: {
        clients: ['192.168.50.1/24', '2001:db8:50::1/64'],
        servers: ['10.0.0.1/24', '2001:db8:1::1/64'],
      },
      clients: ['172.16.0.0/12', '2001:db8:cccc::/48', '2001:db8:ffff::/48'],
      servers: SERVERS.flatMap((host) => [`10.0.0.${host}`, `2001:db8:1::${host}`]),
      hasIpv6: true,
    });
    const program = wire.director.node(new URL('./programs/rules-agent.js', import.meta.url));
    return new WireBytes(wire, await Agent.connect(program), mode);
  }

  private constructor(wire: Wire, agent: Agent, mode: Mode) {
    this.#wire = wire;
    this.#agent = agent;
    this.#mode = mode;
  }

  /** Gives it a director that knows nothing yet; the one before is gone. */
  async begin(): Promise<void> {
    await this.#agent.call('close');
    this.again = 0;
    await this.#agent.call('open', {
      source: ['10.0.0.1', '2001:db8:1::1'],
      egress: 'packet',
      fastPath: this.#mode,
      maxConnections: 16_384,
      device: { name: 'tunvs0', queues: 1 },
      // The recorded host had no narrower device on the way, so it was IPVS that told clients the MTU.
      setUpHost: { mtuBytes: 1500 },
    });
    await this.#agent.call('run', { rules: BARRIER_RULES });
  }

  run(command: string): Promise<void> {
    this.#changes += 1;
    return this.#agent.call('run', { rules: [command], afterwards: barrierChange(this.#changes) });
  }

  /** Packets of a connection that change nothing come again and again; then each has to leave as the first one. */
  async send(received: readonly Uint8Array[], recorded: readonly Uint8Array[]) {
    const [first] = received;
    const side = first !== undefined && isOfServers(first) ? 'servers' : 'clients';
    const arrivals = await this.#play([{ packets: received }], side);
    if (side === 'servers') {
      await sleep(ERROR_MS);
      // The program in the kernel learns of another path MTU within a quarter of a second, or at the next change.
      this.#changes += 1;
      await this.#agent.call('run', { rules: [barrierChange(this.#changes)] });
      arrivals.push(...(await this.#play([])));
    }
    const sent = arrivals.map(({ data }) => data);
    const again = first !== undefined && received.length === 1 && sent.length === 1 && mayComeAgain(first, recorded);
    return { sent: again ? await this.#sendAgain(first, sent) : sent, became: ['it did not come out'] };
  }

  /** Returns `before`, or the packets that differ from it. */
  async #sendAgain(packet: Uint8Array, before: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    const groups = AGAIN.map((count) => ({ packets: Array.from({ length: count }, () => packet), settles: true }));
    const came = (await this.#play(groups)).map(({ data }) => data);
    this.again += AGAIN_PACKETS;
    const expected = Array.from({ length: AGAIN_PACKETS }, () => before).flat();
    return isDeepStrictEqual(comparable(came), comparable(expected)) ? before : came;
  }

  #play(groups: readonly Group[], side: Arrival['side'] = 'clients'): Promise<Arrival[]> {
    return this.#wire.play(groups, side);
  }

  async fastForwarded(): Promise<number> {
    const { counters } = await this.#agent.call<{ counters: { fastForwarded: number } }>('stats');
    return counters.fastForwarded;
  }

  async close(): Promise<void> {
    await this.#wire.dispose();
  }
}

/** ICMP errors that routers on the servers' side send to the director itself. */
function isOfServers(packet: Uint8Array): boolean {
  return ['10.0.0.1', '2001:db8:1::1'].includes(readIp(packet)?.destination ?? '');
}

function mayComeAgain(packet: Uint8Array, recorded: readonly Uint8Array[]): boolean {
  const ip = readIp(packet);
  const [out, ...more] = recorded.map(readIp);
  const isTunnelled = out !== undefined && more.length === 0 && readTunnel(out, GUE_PORT) !== undefined;
  if (ip === undefined || !isTunnelled || isFragment(ip)) return false;
  const isPlainTcp = ip.protocol === IP_PROTOCOLS.tcp && ((ip.payload[13] ?? 0) & 0x17) === 0x10;
  return isPlainTcp || ip.protocol === IP_PROTOCOLS.udp;
}
