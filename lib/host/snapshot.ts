/**
 * The host at one moment: what a few runs of ip(8) printed, as a {@link Host} that planners read. It leaves out routes
 * of others, so that a host with a million of them is read as fast as any.
 */
import { execFile } from 'node:child_process';
import { TunvsError } from '../values/errors.js';
import { type AddressFamily, canonicalAddress } from '../values/inet.js';
import { COMMAND_TIMEOUT_MS } from './command-failure.js';
import { asPrefix, hasIpv6, ipJson } from './family.js';
import type { Host, HostAddress, HostLink, HostRoute, HostSnapshot, NowhereRoute, NowhereType } from './host.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { HostCommand } from './step.js';

const ROUTES = `route show table all proto ${ROUTE_PROTOCOL}`;
/** The questions per family. `address show` leaves out devices without an address of the family. */
export const DUMPS = ['link show', 'address show', ROUTES, 'rule show', 'neigh show proxy'];

export interface LinkRow {
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
  metric?: number;
  metrics?: { hoplimit?: number }[];
}

/**
 * The answers to {@link DUMPS}, by the command that asks one alone, as {@link Host.query} has it; undefined means that
 * the command failed, as the one for rules does on a kernel without policy routing.
 */
export type Dumps = ReadonlyMap<string, string | undefined>;

export class SnapshotHost implements Host, HostSnapshot {
  readonly #live: Host;
  readonly #dumps: Dumps;
  readonly #links = new Map<string, HostLink>();
  readonly #byIndex = new Map<number, HostLink>();
  readonly #addresses: (HostAddress & { isUp: boolean })[] = [];
  readonly #upAddresses: HostAddress[];
  readonly #routes = new Set<string>();
  /** Routes without a device. */
  readonly #nowhere = new Set<string>();
  /** The values that were read, by path: whoever finds another value later knows that the host has changed. */
  readonly sysctls = new Map<string, string | undefined>();

  /** `live` reads the sysctls. */
  constructor(live: Host, dumps: Dumps) {
    this.#live = live;
    this.#dumps = dumps;
    for (const family of [4, 6] as const) {
      for (const row of this.#rows<LinkRow>(family, 'link show')) this.#addLink(row);
      for (const row of this.#rows<LinkRow>(family, 'address show')) this.#addAddresses(row);
      for (const row of this.#rows<RouteRow>(family, ROUTES)) this.#addRoute(family, row);
    }
    this.#upAddresses = this.#addresses.filter(({ isUp }) => isUp);
  }

  get snapshot(): HostSnapshot {
    return this;
  }

  readSysctl(path: string): string | undefined {
    if (this.sysctls.has(path)) return this.sysctls.get(path);
    const value = this.#live.readSysctl(path);
    this.sysctls.set(path, value);
    return value;
  }

  addresses(): HostAddress[] {
    return this.#upAddresses;
  }

  get allAddresses(): readonly HostAddress[] {
    return this.#addresses;
  }

  query(argv: readonly string[]): string | undefined {
    const command = argv.join(' ');
    const said = this.#dumps.get(command);
    if (!this.#dumps.has(command) && command.startsWith('ip -j -6 ')) return '[]';
    if (!this.#dumps.has(command)) throw new Error(`"${command}" is not in a snapshot: planners ask for what is`);
    return said;
  }

  run(_: HostCommand): never {
    throw new Error('a snapshot is read, not changed');
  }

  runAll(): never {
    return this.run({ argv: [] });
  }

  get links(): HostLink[] {
    return [...this.#links.values()];
  }

  link(name: string): HostLink | undefined {
    return this.#links.get(name);
  }

  linkOf(index: number): HostLink | undefined {
    return this.#byIndex.get(index);
  }

  hasAddress(address: string, device: string): boolean {
    return this.#addresses.some(
      (own) => own.interfaceName === device && `${own.address}/${own.prefixLength}` === address,
    );
  }

  leadsNowhere(type: NowhereType, family: AddressFamily, route: NowhereRoute): boolean {
    return this.#nowhere.has(nowhereName(type, family, route));
  }

  hasRoute(family: AddressFamily, route: HostRoute): boolean {
    return this.#routes.has(routeName(family, route));
  }

  #rows<T>(family: AddressFamily, dump: string): T[] {
    return JSON.parse(this.#dumps.get(ipJson(family, ...dump.split(' ')).join(' ')) ?? '[]') as T[];
  }

  #addLink({ ifindex: index, ifname: name, flags, mtu: mtuBytes, txqlen: txQueueLength = 0 }: LinkRow): void {
    const isUp = flags.includes('UP');
    const link = { index, name, isUp, mtuBytes, txQueueLength };
    this.#links.set(name, link);
    this.#byIndex.set(index, link);
  }

  #addAddresses(row: LinkRow): void {
    // This holds without a carrier as well: the kernel keeps what was made on a device that loses it.
    const isUp = row.flags.includes('UP');
    this.#addresses.push(...ownAddressesOf(row).map((own) => ({ ...own, isUp })));
  }

  #addRoute(family: AddressFamily, { type, dst, dev, table, prefsrc, metric = 0, metrics }: RouteRow): void {
    const to = dst === 'default' ? dst : asPrefix(dst);
    if (type === 'unreachable' || type === 'blackhole')
      this.#nowhere.add(nowhereName(type, family, { to, table: table ?? 'main', metric }));
    if (dev === undefined) return;
    const route: HostRoute = {
      to,
      device: dev,
      isLocal: type === 'local',
      ...(table !== undefined && { table }),
    };
    this.#routes.add(routeName(family, route));
    if (prefsrc !== undefined) this.#routes.add(routeName(family, { ...route, source: prefsrc }));
    const hopLimit = metrics?.find(({ hoplimit }) => hoplimit !== undefined)?.hoplimit;
    if (hopLimit === undefined) return;
    this.#routes.add(routeName(family, { ...route, hopLimit }));
    if (prefsrc !== undefined) this.#routes.add(routeName(family, { ...route, source: prefsrc, hopLimit }));
  }
}

/** Returns the addresses of a device. */
export function ownAddressesOf({ ifname: interfaceName, addr_info = [] }: LinkRow): HostAddress[] {
  return addr_info.flatMap(({ local, prefixlen: prefixLength }) =>
    local === undefined || prefixLength === undefined
      ? []
      : [{ interfaceName, address: canonicalAddress(local) ?? local, prefixLength }],
  );
}

function routeName(
  family: AddressFamily,
  { to, device, table = 'main', isLocal = false, source = '', hopLimit = 0 }: HostRoute,
): string {
  return [family, to, device, table, isLocal, source, hopLimit].join(' ');
}

function nowhereName(type: NowhereType, family: AddressFamily, { to, table, metric }: NowhereRoute): string {
  return [type, family, to, table, metric].join(' ');
}

/** Runs the dumps beside the event loop. `live` reads the sysctls. Rejects when one of the dumps fails. */
export async function takeSnapshot(live: Host, signal: AbortSignal): Promise<SnapshotHost> {
  const families: AddressFamily[] = hasIpv6(live) ? [4, 6] : [4];
  const answers = await Promise.all(families.map((family) => dump(family, signal)));
  return new SnapshotHost(live, new Map(answers.flat()));
}

type Answers = [command: string, answer: string | undefined][];

function dump(family: AddressFamily, signal: AbortSignal): Promise<Answers> {
  const argv = ['-j', `-${family}`, '-force', '-batch', '-'];
  return new Promise((resolve, reject) => {
    const options = { signal, timeout: COMMAND_TIMEOUT_MS, encoding: 'utf8', maxBuffer: 1 << 28 } as const;
    const child = execFile('ip', argv, options, (error, stdout, stderr) => {
      const answers = answersIn(family, stdout, stderr);
      if (answers !== undefined) {
        resolve(answers);
        return;
      }
      const said = stderr.trim().replaceAll('\n', '; ') || error?.message || 'it printed something else';
      reject(
        new TunvsError(
          'ERR_TUNVS_HOST',
          `the host cannot be read, so nothing is put back: "ip ${argv.join(' ')}" with ` +
            `${DUMPS.map((line) => `"${line}"`).join(', ')} failed: ${said}; run it by hand to see why`,
          { cause: error },
        ),
      );
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${DUMPS.join('\n')}\n`);
  });
}

/** Returns undefined unless every question has an answer, or is the one for rules, which may fail. */
export function answersIn(family: AddressFamily, stdout: string, stderr: string): Answers | undefined {
  const failed = new Set([...stderr.matchAll(/^Command failed -:(\d+)/gm)].map(([, line]) => DUMPS[Number(line) - 1]));
  const lines = stdout.split('\n').filter((line) => line.startsWith('['));
  const answered = DUMPS.filter((words) => !failed.has(words));
  if ([...failed].some((words) => words !== 'rule show') || lines.length !== answered.length) return undefined;
  const commandOf = (words: string) => ipJson(family, ...words.split(' ')).join(' ');
  return [
    ...answered.map((words, index): Answers[number] => [commandOf(words), lines[index]]),
    ...DUMPS.filter((words) => failed.has(words)).map((words): Answers[number] => [commandOf(words), undefined]),
  ];
}
