/**
 * The addresses and ranges that the host directs to the device, as the configuration wants them.
 *
 * Invariant: between changes `#routed` is what the host sends to the device, and `#local` the part of it that the
 * host's own services have as well.
 */
import { type MarkRule, routedPrefixes } from '../values/marks.js';
import type { VipRoutes } from './configuration-backing.js';
import type { VirtualService } from './virtual-service.js';

export interface RouteChange {
  /** The configuration is in force: removes what nobody wants any more. */
  done(): void;
  /** The configuration was refused: removes what was added. */
  undo(): void;
}

export class RoutedPrefixes {
  readonly #routes: VipRoutes | undefined;
  readonly #take: (prefixes: ReadonlySet<string>) => void;
  #routed: ReadonlySet<string> = new Set();
  #local: ReadonlySet<string> = new Set();

  /** `take` is called with all there are, when they have come into force. */
  constructor(routes: VipRoutes | undefined, take: (prefixes: ReadonlySet<string>) => void = () => {}) {
    this.#routes = routes;
    this.#take = take;
  }

  /** Adds what is missing, all of it or none. */
  begin(services: readonly VirtualService[], marks: readonly MarkRule[]): RouteChange {
    const routes = this.#routes;
    const wanted = routedPrefixes(services, marks);
    const local = routedPrefixes(
      services.filter((service) => service.hasLocalServer),
      marks,
    );
    const added: (() => void)[] = [];
    const undo = () => {
      for (const step of added.splice(0).reverse()) step();
    };
    try {
      const vips = missing(wanted, this.#routed);
      routes?.addVips(vips);
      added.push(() => routes?.removeVips(vips));
      for (const prefix of missing(local, this.#local)) {
        routes?.addLocalNode(prefix);
        added.push(() => routes?.removeLocalNode(prefix));
      }
    } catch (error) {
      undo();
      throw error;
    }
    const done = () => {
      this.#take(wanted);
      for (const prefix of missing(this.#local, local)) routes?.removeLocalNode(prefix);
      routes?.removeVips(missing(this.#routed, wanted));
      this.#local = local;
      this.#routed = wanted;
    };
    return { done, undo };
  }
}

function missing(wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  const lacking: string[] = [];
  for (const prefix of wanted) if (!there.has(prefix)) lacking.push(prefix);
  return lacking;
}
