/**
 * Drives an offline director as the recorded one was driven: rules, packets and pauses, a millisecond from packet to
 * packet, and mark 1 on all packets for 192.168.60.0/24.
 */
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import type { OfflineOptions } from '../../lib/director/open-options.js';
import { native } from '../../lib/native/addon.js';
import type { ProcessedPacket, ProcessResult } from '../../lib/director/offline-director.js';
import { applyRules, type ShowCommand } from '../../lib/rules/apply.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { show } from '../../lib/rules/show.js';
import { kindOf, readIp } from './packets-read.js';

export interface GoldenConnection {
  state: string;
  /** Seconds left, rounded down. */
  expires: number;
  server: string;
}

const LIST_CONNECTIONS = parseCommandLine('-L -n -c') as ShowCommand;

/** What became of a packet, in the words of the recordings. */
export interface Outcome {
  /** The outer destination, or the new one. */
  chosen: string | null;
  /** The host's own answer: `icmp port-unreachable`, `tcp R`. */
  reply?: string;
}

export class GoldenDirector implements AsyncDisposable {
  readonly offline: OfflineDirector;
  private nowMs = 0;

  constructor(options: Partial<OfflineOptions> = {}) {
    this.offline = Director.offline({ source: ['10.0.0.1', '2001:db8:1::1'], maxConnections: 16384, ...options });
    this.offline.setMarks([{ mark: 1, destination: '192.168.60.0/24' }]);
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

  process(packet: Uint8Array): ProcessResult {
    this.nowMs += 1;
    return this.offline.process(packet, this.nowMs);
  }

  send(packet: Uint8Array): ProcessedPacket[] {
    return this.process(packet).outputs;
  }

  outcome(packet: Uint8Array): Outcome {
    const { outputs, verdicts } = this.process(packet);
    const packets = outputs.flatMap(({ data }) => readIp(data) ?? []);
    const [sent, ...more] = packets;
    if (more.length > 0) throw new Error(`one packet became ${packets.map(kindOf).join(' and ')}`);
    if (!sent) return { chosen: null };
    return verdicts[0] === 'forwarded' ? { chosen: sent.destination } : { chosen: null, reply: kindOf(sent) };
  }

  /** Returns the lines of `ipvsadm -Lnc`, a moment later. */
  async listConnections(): Promise<string[]> {
    this.sleep(0.1);
    return (await this.list(LIST_CONNECTIONS)).slice(1);
  }

  /** Returns the lines that a listing prints. */
  async list(command: ShowCommand): Promise<string[]> {
    const source = {
      services: () => this.offline.stats().services,
      timeouts: this.offline.timeouts,
      marks: this.offline.marks,
      sync: {},
      connections: () => this.offline.connections(),
    };
    const lines: string[] = [];
    for await (const text of show(source, command)) lines.push(...text.split('\n').slice(0, -1));
    return lines;
  }

  /** Returns connections as /proc/net/ip_vs_conn shows them a moment later. */
  async connectionsOf(clientPort: number, virtualPort?: number): Promise<GoldenConnection[]> {
    this.sleep(0.1);
    const found: GoldenConnection[] = [];
    const filter = { clientPort, ...(virtualPort !== undefined && { virtualPort }) };
    for await (const { state, expiresMs, serverAddress, serverPort } of this.offline.connections(filter)) {
      found.push({ state, expires: Math.floor(expiresMs / 1000), server: `${serverAddress}:${serverPort}` });
    }
    return found;
  }

  /** Returns the counts of all real servers, with their services as `TCP ADDRESS:PORT`. */
  counts(): { service: string; server: string; active: number; inactive: number }[] {
    return this.offline.stats().services.flatMap((service) =>
      service.servers.map(({ address, port, activeConnections, inactiveConnections }) => ({
        service: `${service.protocol?.toUpperCase()} ${service.address}:${service.port}`,
        server: `${address}:${port}`,
        active: activeConnections,
        inactive: inactiveConnections,
      })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.offline.close();
  }
}
