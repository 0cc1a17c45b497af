/**
 * The host at one moment: what a few runs of ip(8) printed, as a {@link Host} that planners read. Routes of others are
 * not in it, so that a host with a million of them is read as fast as any.
 */
import { execFile } from 'node:child_process';
import { TunvsError } from '../errors.js';
import { type AddressFamily, canonicalAddress } from '../inet.js';
import { COMMAND_TIMEOUT_MS } from './command-failure.js';
import { asPrefix, hasIpv6, ipJson } from './family.js';
import type { Host, HostAddress, HostLink, HostRoute, HostSnapshot } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostCommand } from './step.js';

/** What is asked, per family. */
export const DUMPS = ['address show', `route show table all proto ${ROUTE_PROTOCOL}`, 'rule show', 'neigh show proxy'];

interface LinkRow {
  ifindex: number;
  ifname: string;
  flags: string[];
  mtu: number;
  txqlen?: number;
  addr_info?: { local?: string; prefixlen?: number }[];
}

interface RouteRow {
  type?: string;
  dst: string;
  dev?: string;
  table?: string;
  prefsrc?: string;
}

/** The answers to {@link DUMPS} by the command that asks one alone, as {@link Host.query} has it. */
export type Dumps = ReadonlyMap<string, string>;

export class SnapshotHost implements Host, HostSnapshot {
  readonly #live: Host;
  readonly #dumps: Dumps;
  readonly #links = new Map<string, HostLink>();
  readonly #addresses: (HostAddress & { isUp: boolean })[] = [];
  readonly #routes = new Set<string>();
  /** The values that were read, by path: whoever finds another there knows that the host has changed. */
  readonly sysctls = new Map<string, string | undefined>();

  /** `live`: where sysctls are read. */
  constructor(live: Host, dumps: Dumps) {
    this.#live = live;
    this.#dumps = dumps;
    for (const family of [4, 6] as const) {
      for (const row of this.#rows<LinkRow>(family, 'address show')) this.#addLink(row);
      for (const row of this.#rows<RouteRow>(family, DUMPS[1] as string)) this.#addRoute(family, row);
    }
  }

  get snapshot(): HostSnapshot {
    return this;
  }

  readSysctl(path: string): string | undefined {
    const value = this.#live.readSysctl(path);
    this.sysctls.set(path, value);
    return value;
  }

  addresses(): HostAddress[] {
    return this.#addresses.filter(({ isUp }) => isUp);
  }

  get allAddresses(): readonly HostAddress[] {
    return this.#addresses;
  }

  query(argv: readonly string[]): string | undefined {
    const command = argv.join(' ');
    const said = this.#dumps.get(command);
    if (said === undefined && command.startsWith('ip -j -6 ')) return '[]';
    if (said === undefined) throw new Error(`"${command}" is not in a snapshot: planners ask for what is`);
    return said;
  }

  run(_: HostCommand): never {
    throw new Error('a snapshot is read, not changed');
  }

  runAll(): never {
    return this.run({ argv: [] });
  }

  link(name: string): HostLink | undefined {
    return this.#links.get(name);
  }

  linkOf(index: number): HostLink | undefined {
    return [...this.#links.values()].find((link) => link.index === index);
  }

  hasAddress(address: string, device: string): boolean {
    return this.#addresses.some(
      (own) => own.interfaceName === device && `${own.address}/${own.prefixLength}` === address,
    );
  }

  hasRoute(family: AddressFamily, route: HostRoute): boolean {
    return this.#routes.has(routeName(family, route));
  }

  #rows<T>(family: AddressFamily, dump: string): T[] {
    return JSON.parse(this.#dumps.get(ipJson(family, ...dump.split(' ')).join(' ')) ?? '[]') as T[];
  }

  #addLink({ ifindex: index, ifname: name, flags, mtu: mtuBytes, txqlen: txQueueLength = 0, addr_info }: LinkRow): void {
    const isUp = flags.includes('UP');
    this.#links.set(name, { index, name, isUp, mtuBytes, txQueueLength });
    for (const { local, prefixlen: prefixLength } of addr_info ?? []) {
      if (local === undefined || prefixLength === undefined) continue;
      const address = canonicalAddress(local) ?? local;
      // As the system's own list of addresses, which planners read elsewhere, has it.
      this.#addresses.push({ interfaceName: name, address, prefixLength, isUp: isUp && flags.includes('LOWER_UP') });
    }
  }

  #addRoute(family: AddressFamily, { type, dst, dev, table, prefsrc }: RouteRow): void {
    if (dev === undefined) return;
    const to = dst === 'default' ? dst : asPrefix(dst);
    const route: HostRoute = {
      to,
      device: dev,
      isLocal: type === 'local',
      ...(table !== undefined && { table }),
    };
    this.#routes.add(routeName(family, route));
    if (prefsrc !== undefined) this.#routes.add(routeName(family, { ...route, source: prefsrc }));
  }
}

function routeName(family: AddressFamily, { to, device, table = 'main', isLocal = false, source = '' }: HostRoute): string {
  return [family, to, device, table, isLocal, source].join(' ');
}

/** Runs the dumps beside the event loop. `live`: where sysctls are read. Rejects when one of them fails. */
export async function takeSnapshot(live: Host, signal: AbortSignal): Promise<SnapshotHost> {
  const families: AddressFamily[] = hasIpv6(live) ? [4, 6] : [4];
  const answers = await Promise.all(families.map((family) => dump(family, signal)));
  return new SnapshotHost(live, new Map(answers.flat()));
}

function dump(family: AddressFamily, signal: AbortSignal): Promise<[string, string][]> {
  const argv = ['-j', `-${family}`, '-batch', '-'];
  return new Promise((resolve, reject) => {
    const options = { signal, timeout: COMMAND_TIMEOUT_MS, encoding: 'utf8', maxBuffer: 1 << 28 } as const;
    const child = execFile('ip', argv, options, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      if (error === null && lines.length === DUMPS.length) {
        resolve(DUMPS.map((words, index) => [ipJson(family, ...words.split(' ')).join(' '), lines[index] ?? '[]']));
        return;
      }
      const said = stderr.trim().replaceAll('\n', '; ') || error?.message || `it printed ${lines.length} answers`;
      reject(
        new TunvsError(
          'ERR_TUNVS_HOST',
          `the host cannot be read, so nothing is put back: "ip ${argv.join(' ')}" with ${DUMPS.map((line) => `"${line}"`).join(', ')} failed: ${said}; run that by hand to see why`,
          { cause: error },
        ),
      );
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${DUMPS.join('\n')}\n`);
  });
}
