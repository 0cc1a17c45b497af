/** What a director sees of its host over time, and what it tells of that. */
import type { DirectorHost } from '../host/director-host.js';
import type { HostEvent } from '../host/host-event.js';
import { PartsWatch } from '../host/parts-watch.js';
import type { SnapshotHost } from '../host/snapshot.js';

export interface DirectorWatchParts {
  host: DirectorHost;
  /** The main device and those of marks; they follow a renaming. */
  devices: { name: string }[];
  /** Moves real servers whose address has become, or has ceased to be, the host's own. */
  moveServers(): { said: string; error?: Error }[];
  report(event: HostEvent): void;
}

export class DirectorWatch extends PartsWatch {
  readonly #parts: DirectorWatchParts;
  readonly #lost = new Set<string>();
  #conflicts: ReadonlySet<string> = new Set();
  /** Routes of others within the sources of full NAT, as last looked. */
  #strayed: readonly string[] = [];
  #refusedMoves: ReadonlySet<string> = new Set();
  /** The addresses of all interfaces; undefined until the host was read. */
  #addresses: readonly { address: string }[] | undefined;

  constructor(parts: DirectorWatchParts) {
    super(parts.host);
    this.#parts = parts;
  }

  get devices(): string[] {
    return this.#parts.devices.map(({ name }) => name);
  }

  /** The addresses as last read, including those of interfaces that are down. */
  get addresses(): readonly { address: string }[] | undefined {
    return this.#addresses;
  }

  see(snapshot: SnapshotHost): void {
    this.#addresses = snapshot.allAddresses;
    for (const [before, now] of this.#parts.host.follow(snapshot)) this.#renamed(before, now);
    for (const { name } of this.#parts.devices) if (snapshot.link(name) === undefined) this.#gone(name);
    this.#tellConflicts(this.#parts.host.conflicts(snapshot));
    this.#tellMoves(this.#parts.moveServers());
  }

  #renamed(before: string, now: string): void {
    const device = this.#parts.devices.find(({ name }) => name === before);
    if (device === undefined) return;
    device.name = now;
    const message = `device ${before} was renamed to ${now}; the director goes on with it under the new name`;
    this.#parts.report({ type: 'deviceRenamed', value: 1, message, things: [before, now] });
  }

  #gone(name: string): void {
    if (this.#lost.has(name)) return;
    this.#lost.add(name);
    const message =
      `device '${name}' is gone: it was deleted, or moved to another network namespace; no packet comes from it any ` +
      'longer, so close the director and open it again';
    this.#parts.report({ type: 'deviceLost', value: 0, message });
  }

  /** What keeps packets from the director now, one sentence each. */
  get conflicts(): string[] {
    return [...this.#conflicts, ...this.#strayed];
  }

  #tellConflicts(conflicts: readonly string[]): void {
    const fresh = conflicts.filter((said) => !this.#conflicts.has(said));
    this.#conflicts = new Set(conflicts);
    for (const message of fresh) this.#parts.report({ type: 'hostConflict', value: 1, message });
  }

  /** Looks at the ways of full NAT's sources, of whose changes the kernel tells nobody here. */
  async lookAtSources(signal: AbortSignal): Promise<void> {
    const strayed = await this.#parts.host.strayedSources(signal);
    if (signal.aborted) return;
    const fresh = strayed.filter((said) => !this.#strayed.includes(said));
    this.#strayed = strayed;
    for (const message of fresh) this.#parts.report({ type: 'hostConflict', value: 1, message });
  }

  #tellMoves(moves: readonly { said: string; error?: Error }[]): void {
    const refused = moves.filter(({ error }) => error !== undefined);
    const fresh = refused.filter(({ said }) => !this.#refusedMoves.has(said));
    this.#refusedMoves = new Set(refused.map(({ said }) => said));
    for (const { said, error } of fresh) {
      const message = `${said}, but its forwarding could not be changed: ${error?.message}`;
      this.#parts.report({ type: 'serversMoved', value: 0, message, cause: error });
    }
    const things = moves.filter(({ error }) => error === undefined).map(({ said }) => said);
    if (things.length === 0) return;
    const message = `real servers and their connections were moved: ${things.join('; ')}`;
    this.#parts.report({ type: 'serversMoved', value: things.length, things, message });
  }
}
