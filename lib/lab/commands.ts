/** Runs tunvs's own commands in the hosts of a lab as an operator does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LabHost } from './lab-host.js';
import type { LabProcess, ProcessExit } from './lab-process.js';
import { makeFolder, removeFolder } from './leftovers.js';

const TUNVS = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/** One real server in a line of `tunvs run --json`; numbers may have come as strings. */
export interface ServerSample {
  address: string;
  weight: number;
  activeConnections: number;
  inactiveConnections: number;
  totals: Record<string, number | string>;
  rates: Record<string, number>;
}

/** A line of `tunvs run --json --stats-interval SECONDS`. */
export interface DirectorLine {
  counters: Record<string, number | string>;
  services: { protocol: string; address: string; port: number; scheduler: string; servers: ServerSample[] }[];
}

export interface DirectorCommandOptions {
  rules: string;
  source: string | readonly string[];
  device?: string;
  /** Daemons on one host have names of their own. */
  name?: string;
  queues?: number;
  /** Each is written as `--mark-device` takes it. */
  markDevices?: readonly string[];
  egress?: string;
  /** As `--offloads` takes it. */
  offloads?: string;
  /** As `--fast-path` takes it. */
  fastPath?: string;
  /** Default 0.1. */
  statsIntervalSeconds?: number;
}

/** Controls `tunvs run`. */
export class DirectorCommand {
  readonly process: LabProcess;
  /** The newest line of statistics. */
  sample: DirectorLine;
  readonly #folder: string;
  readonly #listeners = new Set<(sample: DirectorLine) => void>();

  /** Resolves once the director forwards. */
  static async start(host: LabHost, options: DirectorCommandOptions): Promise<DirectorCommand> {
    const folder = makeFolder();
    try {
      const rules = join(folder, 'rules');
      writeFileSync(rules, options.rules);
      const process = host.spawn(runArguments(rules, options));
      const first = await process.line((line) => parseLine(line) !== undefined);
      return new DirectorCommand(folder, process, parseLine(first) as DirectorLine);
    } catch (error) {
      removeFolder(folder);
      throw error;
    }
  }

  private constructor(folder: string, process: LabProcess, first: DirectorLine) {
    this.#folder = folder;
    this.process = process;
    this.sample = first;
    process.onLine((line) => {
      const sample = parseLine(line);
      if (sample === undefined) return;
      this.sample = sample;
      for (const listener of this.#listeners) listener(sample);
    });
    void process.exited.then(() => removeFolder(folder));
  }

  onSample(listener: (sample: DirectorLine) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Gives it new rules as an operator does: writes the file, sends SIGHUP. Resolves when a sample shows them in force.
   */
  async reload(rules: string, isInForce: (sample: DirectorLine) => boolean): Promise<void> {
    writeFileSync(join(this.#folder, 'rules'), rules);
    this.process.kill('SIGHUP');
    await this.until(isInForce);
  }

  /** Returns the next sample that `isWanted`. */
  async until(isWanted: (sample: DirectorLine) => boolean, timeoutMs = 30_000): Promise<DirectorLine> {
    const alreadyPrinted = new Set(this.process.lines);
    const line = await this.process.line((candidate) => {
      if (alreadyPrinted.has(candidate)) return false;
      const sample = parseLine(candidate);
      return sample !== undefined && isWanted(sample);
    }, timeoutMs);
    return parseLine(line) as DirectorLine;
  }

  stop(signal?: NodeJS.Signals): Promise<ProcessExit> {
    return this.process.stop(signal);
  }
}

export interface RealServerCommandOptions {
  virtualAddress: string | readonly string[];
  director: string | readonly string[];
  /** As `--forwarding` takes it. */
  forwarding?: string;
  /** As `--mode` and `--device` take them. */
  mode?: string;
  device?: string;
  /** As `--arp` takes it. */
  arp?: 'auto' | 'on' | 'off';
}

/** Starts `tunvs realserver`; resolves once the host takes tunnel packets. */
export async function startRealServerCommand(host: LabHost, options: RealServerCommandOptions): Promise<LabProcess> {
  const { virtualAddress, director, forwarding, mode, device, arp } = options;
  const child = host.node(TUNVS, [
    'realserver',
    ...repeated('--vip', virtualAddress),
    ...repeated('--director', director),
    ...(forwarding === undefined ? [] : ['--forwarding', forwarding]),
    ...(mode === undefined ? [] : ['--mode', mode]),
    ...(device === undefined ? [] : ['--device', device]),
    ...(arp === undefined ? [] : ['--arp', arp]),
    '--json',
  ]);
  await child.line((line) => line.includes('"event":"ready"'));
  return child;
}

/** Returns the command line of `tunvs run` with statistics on stdout. */
export function runArguments(rules: string, options: Omit<DirectorCommandOptions, 'rules'>): string[] {
  const { source, device = 'tunvs0', queues, markDevices = [], statsIntervalSeconds = 0.1 } = options;
  const { name, egress, offloads, fastPath } = options;
  return [
    process.execPath,
    TUNVS,
    'run',
    ...['--rules', rules, ...repeated('--source', source), '--device', device],
    ...(name === undefined ? [] : ['--name', name]),
    ...(queues === undefined ? [] : ['--queues', `${queues}`]),
    ...repeated('--mark-device', markDevices),
    ...(egress === undefined ? [] : ['--egress', egress]),
    ...(offloads === undefined ? [] : ['--offloads', offloads]),
    ...(fastPath === undefined ? [] : ['--fast-path', fastPath]),
    ...['--json', '--stats-interval', `${statsIntervalSeconds}`],
  ];
}

function repeated(option: string, values: string | readonly string[]): string[] {
  return (Array.isArray(values) ? values : [values]).flatMap((value) => [option, value]);
}

function parseLine(line: string): DirectorLine | undefined {
  try {
    const value = JSON.parse(line) as Partial<DirectorLine>;
    return Array.isArray(value.services) && value.counters !== undefined ? (value as DirectorLine) : undefined;
  } catch {
    // The line is another program's and holds no statistics.
    return undefined;
  }
}
