/** An offline director driven as the recorded one was: rules, packets and pauses, a millisecond from packet to packet. */
import { Director, type OfflineDirector } from '../../lib/director.js';
import { native } from '../../lib/native.js';
import type { ProcessedPacket } from '../../lib/offline-director.js';
import { applyRules } from '../../lib/rules/apply.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { readOuter } from './packets.js';

const IPIP = 4;

export interface GoldenConnection {
  state: string;
  /** Seconds left, rounded down. */
  expires: number;
  server: string;
}

export class GoldenDirector implements AsyncDisposable {
  readonly offline: OfflineDirector;
  private nowMs = 0;

  constructor() {
    this.offline = Director.offline({ source: '10.0.0.1', maxConnections: 16384 });
  }

  /** `ipvsadm ...`, a rule, `sysctl ...` or `sleep SECONDS`. */
  run(event: string): void {
    const [, seconds] = /^sleep ([\d.]+)$/.exec(event) ?? [];
    if (seconds !== undefined) this.sleep(Number(seconds));
    else applyRules(this.offline, parseRules(event, { file: 'golden', support: native, isTimed: false }));
  }

  sleep(seconds: number): void {
    this.nowMs += seconds * 1000;
    this.offline.advance(this.nowMs);
  }

  send(packet: Uint8Array): ProcessedPacket[] {
    this.nowMs += 1;
    return this.offline.process(packet, this.nowMs).outputs;
  }

  /** Where the packet was sent in a tunnel; null when it was not. */
  forward(packet: Uint8Array): string | null {
    const tunnelled = this.send(packet)
      .map(({ data }) => readOuter(data))
      .filter(({ protocol }) => protocol === IPIP);
    if (tunnelled.length > 1) throw new Error(`one packet became ${tunnelled.length} tunnel packets`);
    return tunnelled[0]?.destination ?? null;
  }

  /** As /proc/net/ip_vs_conn shows them a moment later. */
  async connectionsOf(clientPort: number): Promise<GoldenConnection[]> {
    this.sleep(0.1);
    const found: GoldenConnection[] = [];
    for await (const { state, expiresMs, serverAddress, serverPort } of this.offline.connections({ clientPort })) {
      found.push({ state, expires: Math.floor(expiresMs / 1000), server: `${serverAddress}:${serverPort}` });
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.offline.close();
  }
}
