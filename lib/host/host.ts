/**
 * The host that is set up: what planners read and the applier runs. It is injected, so that plans are tested without
 * one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type AddressFamily, canonicalAddress } from '../values/inet.js';
import { codeOf, COMMAND_TIMEOUT_MS, failure, isLackOfOwn, unreadable } from './command-failure.js';
import { runBatched } from './ip-batch.js';
import type { HostCommand } from './step.js';

/** An address of an interface that is up; zone suffixes are left out. */
export interface HostAddress {
  readonly interfaceName: string;
  readonly address: string;
  /** [0, 32] or [0, 128] */
  readonly prefixLength: number;
}

export interface Host {
  /** Returns the value of a file below /proc/sys/, undefined when there is none. Throws a TunvsError as query() does. */
  readSysctl(path: string): string | undefined;
  /** Throws a TunvsError as query() does. */
  addresses(): HostAddress[];
  /** Returns what a run of ip(8) prints, undefined when it fails. Throws a TunvsError when it cannot be run. */
  query(argv: readonly string[]): string | undefined;
  /** Throws a TunvsError that names the command and what it said. */
  run(command: HostCommand): void;
  /**
   * Runs all of them in few runs of ip(8), and goes on after one that fails; returns an error, or nothing, for each.
   */
  runAll(commands: readonly HostCommand[]): (Error | undefined)[];
  /** Present when all that is read is of one moment: planners then say of each step whether it is held. */
  readonly snapshot?: HostSnapshot;
  /** Present when each question is asked once: the host that is asked, and that has the books of what is held. */
  readonly live?: Host;
}

/** A network device. */
export interface HostLink {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly mtuBytes: number;
  readonly txQueueLength: number;
}

/** A route that tunvs makes. */
export interface HostRoute {
  /** The destination with its length, or `default`. */
  readonly to: string;
  readonly device: string;
  /** Absent for the main table. */
  readonly table?: string;
  /** The route is of type local. */
  readonly isLocal?: boolean;
  /** The source that packets of the host's own take; absent for any. */
  readonly source?: string;
  /** The TTL or hop limit of the host's own packets by this route; absent for any. */
  readonly hopLimit?: number;
}

/** The sender is told by `unreachable`, and is not by `blackhole`. */
export type NowhereType = 'unreachable' | 'blackhole';

/** A route that has no device. */
export interface NowhereRoute {
  /** The destination with its length, or `default`. */
  readonly to: string;
  readonly table: string;
  readonly metric: number;
}

/** What the host has of what steps make. */
export interface HostSnapshot {
  link(name: string): HostLink | undefined;
  linkOf(index: number): HostLink | undefined;
  /** The addresses of all interfaces, whether they are up or not. */
  readonly allAddresses: readonly HostAddress[];
  /** `address` has its length. */
  hasAddress(address: string, device: string): boolean;
  /** Looks among the routes with our protocol number. */
  hasRoute(family: AddressFamily, route: HostRoute): boolean;
  /** Looks among those of ours that have no device. */
  leadsNowhere(type: NowhereType, family: AddressFamily, route: NowhereRoute): boolean;
}

/** A million routes take a quarter of it. */
const MOST_PRINTED_BYTES = 1 << 28;

function execute(argv: readonly string[]): string {
  const [file = '', ...rest] = argv;
  return execFileSync(file, rest, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: MOST_PRINTED_BYTES,
  });
}

/** An address with a label (`eth0:0`) is listed under the label; the name of a device holds no colon. */
function deviceOfLabel(label: string): string {
  return label.split(':', 1)[0] as string;
}

function interfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch (error) {
    throw unreadable('the addresses of this host', error);
  }
}

/** The host that this process runs on, in its own network namespace. */
export const thisHost: Host = {
  readSysctl(path) {
    try {
      return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
    } catch (error) {
      // A file that was never opened has said nothing of this kernel.
      if (isLackOfOwn(error)) throw unreadable(`/proc/sys/${path}`, error);
      // This kernel has no such file: the caller says what that means.
      return undefined;
    }
  },

  addresses() {
    return Object.entries(interfaces()).flatMap(([label, entries]) =>
      (entries ?? []).map(({ address, cidr, family }) => ({
        interfaceName: deviceOfLabel(label),
        address: canonicalAddress(address) ?? address,
        prefixLength: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
      })),
    );
  },

  query(argv) {
    try {
      return execute(argv);
    } catch (error) {
      // A program that was never run has said nothing of this host.
      if (isLackOfOwn(error) || codeOf(error) === 'ENOENT') throw failure({ argv }, '', error);
      return undefined;
    }
  },

  run(command) {
    try {
      if ('argv' in command) execute(command.argv);
      else writeFileSync(`/proc/sys/${command.write}`, command.value);
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw failure(command, (stderr?.trim() || (error as Error).message).replaceAll('\n', '; '), error);
    }
  },

  runAll(commands) {
    return runBatched(commands, (command) => this.run(command));
  },
};
