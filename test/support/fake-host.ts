/** A host in memory: it records what was run on it, and any command can be made to fail. */
import { ipJson } from '../../lib/host/family.js';
import type { Host, HostAddress } from '../../lib/host/host.js';
import { errorOf } from '../../lib/host/ip-batch.js';
import { DUMPS, SnapshotHost } from '../../lib/host/snapshot.js';
import { formatHostCommand, type HostCommand } from '../../lib/host/step.js';

export interface FakeHostOptions {
  sysctls?: Record<string, string>;
  addresses?: HostAddress[];
  /** What a query prints, by the command line; null makes it fail. */
  answers?: Record<string, string | null>;
}

/** Queries that print nothing where there is nothing; others fail then. */
const NEVER_FAIL = /^ip -j |(rule|neigh|address|route) show/;

/** What every host begins with. */
const FIRST_RULES = [{ priority: 0, src: 'all', table: 'local' }];

export class FakeHost implements Host {
  readonly ran: string[] = [];
  /** The questions that it was asked. */
  readonly asked: string[] = [];
  readonly sysctls: Map<string, string>;
  /** Commands that contain this fail. */
  failing: string | undefined;
  readonly #addresses: HostAddress[];
  readonly answers: Record<string, string | null>;

  constructor({ sysctls = {}, addresses = [], answers = {} }: FakeHostOptions = {}) {
    this.sysctls = new Map(Object.entries(sysctls));
    this.#addresses = addresses;
    this.answers = answers;
  }

  readSysctl(path: string): string | undefined {
    return this.sysctls.get(path);
  }

  addresses(): HostAddress[] {
    return this.#addresses;
  }

  query(argv: readonly string[]): string | undefined {
    const command = argv.join(' ');
    this.asked.push(command);
    const answer = this.answers[command];
    if (answer === null) return undefined;
    if (answer === undefined && /^ip -j -[46] rule show$/.test(command)) return JSON.stringify(FIRST_RULES);
    return answer ?? (NEVER_FAIL.test(command) ? '' : undefined);
  }

  run(command: HostCommand): void {
    const text = formatHostCommand(command);
    if (this.failing !== undefined && text.includes(this.failing)) throw new Error(`"${text}" failed`);
    if ('write' in command) this.sysctls.set(command.write, command.value);
    this.ran.push(text);
  }

  /** How often it was given commands, many or one. */
  runs = 0;

  runAll(commands: readonly HostCommand[]): (Error | undefined)[] {
    this.runs += 1;
    return commands.map((command) => errorOf(() => this.run(command)));
  }

  /** Returns its present answers to the questions of a snapshot. */
  takeSnapshot(): SnapshotHost {
    const commands = ([4, 6] as const).flatMap((family) => DUMPS.map((dump) => ipJson(family, ...dump.split(' '))));
    return new SnapshotHost(this, new Map(commands.map((argv) => [argv.join(' '), this.query(argv) || '[]'])));
  }
}
