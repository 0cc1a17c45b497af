/** The host as it is while many things are planned at once: each question is asked once. */
import type { Host, HostAddress } from './host.js';

export class OneMomentHost implements Host {
  readonly live: Host;
  readonly #answers = new Map<string, string | undefined>();
  #addresses: HostAddress[] | undefined;

  constructor(live: Host) {
    this.live = live;
  }

  readSysctl(path: string): string | undefined {
    return this.live.readSysctl(path);
  }

  addresses(): HostAddress[] {
    this.#addresses ??= this.live.addresses();
    return this.#addresses;
  }

  query(argv: readonly string[]): string | undefined {
    const command = argv.join(' ');
    if (!this.#answers.has(command)) this.#answers.set(command, this.live.query(argv));
    return this.#answers.get(command);
  }

  run(): never {
    throw new Error('the host of one moment is read, not changed');
  }

  runAll(): never {
    return this.run();
  }
}

/** What is made of the answers of such a host may be kept. */
export function isOfOneMoment(host: Host): boolean {
  return host.snapshot !== undefined || host.live !== undefined;
}

/** What was made of hosts, for each host by a key. */
export type Kept<Key, Value> = WeakMap<Host, Map<Key, Value>>;

/** Returns what `make` makes of the host; of a host of one moment it is made once. */
export function keptFor<Key, Value>(kept: Kept<Key, Value>, host: Host, key: Key, make: () => Value): Value {
  if (!isOfOneMoment(host)) return make();
  const values = kept.get(host) ?? new Map<Key, Value>();
  kept.set(host, values);
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}
