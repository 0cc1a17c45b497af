/** A host that exists in memory: what was run on it is on record, and any of it can be made to fail. */
import type { Host, HostAddress } from '../../lib/host/host.js';
import { formatHostCommand, type HostCommand } from '../../lib/host/step.js';

export interface FakeHostOptions {
  sysctls?: Record<string, string>;
  addresses?: HostAddress[];
  /** What a query prints, by the command line. */
  answers?: Record<string, string>;
}

export class FakeHost implements Host {
  readonly ran: string[] = [];
  readonly sysctls: Map<string, string>;
  /** Commands that contain this fail. */
  failing: string | undefined;
  readonly #addresses: HostAddress[];
  readonly #answers: Record<string, string>;

  constructor({ sysctls = {}, addresses = [], answers = {} }: FakeHostOptions = {}) {
    this.sysctls = new Map(Object.entries(sysctls));
    this.#addresses = addresses;
    this.#answers = answers;
  }

  readSysctl(path: string): string | undefined {
    return this.sysctls.get(path);
  }

  addresses(): HostAddress[] {
    return this.#addresses;
  }

  query(argv: readonly string[]): string | undefined {
    return this.#answers[argv.join(' ')];
  }

  run(command: HostCommand): void {
    const text = formatHostCommand(command);
    if (this.failing !== undefined && text.includes(this.failing)) throw new Error(`"${text}" failed`);
    if ('write' in command) this.sysctls.set(command.write, command.value);
    this.ran.push(text);
  }
}
