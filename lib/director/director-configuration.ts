/** Makes the configuration of a director and connects it to the engine, to the host and to the listeners. */
import type { VipRoutes } from './configuration-backing.js';
import { isOwnAddress } from '../host/own-address.js';
import { sourceFamily } from '../values/source.js';
import type { Role } from '../values/role.js';
import { wrapOption } from '../values/errors.js';
import { Configuration } from './configuration.js';
import type { DirectorEngine } from './director-engine.js';
import type { DirectorNews } from './director-news.js';
import type { Pulse } from './pulse.js';
import { natServerOf } from '../host/nat/nat-server.js';
import { refusedServiceOption } from './refused-option.js';

export interface DirectorConfigurationParts {
  engine: DirectorEngine;
  news: DirectorNews;
  pulse: Pulse;
  sources: readonly string[];
  /** Undefined when somebody else sets up the host. */
  vipRoutes: VipRoutes | undefined;
  role: Role;
  /** What full NAT gives to packets. */
  natSources: readonly string[];
  warnOfHost(message: string): void;
  takePrefixes: ((prefixes: ReadonlySet<string>) => void) | undefined;
  /** The addresses of the host's interfaces; a source is local even if it is not among them. */
  localAddresses: () => readonly { address: string }[];
}

export function directorConfiguration(parts: DirectorConfigurationParts): Configuration {
  const { engine, news, pulse, sources, vipRoutes } = parts;
  return new Configuration({
    apply: (operations) => wrapOption(refusedServiceOption, () => engine.apply(operations)),
    assertOpen: () => engine.assertOpen(),
    serviceRow: (service) => engine.call((native) => native.service(service)),
    serverRow: (service, server) => engine.call((native) => native.server(service, server)),
    sourceFamilies: sources.map(sourceFamily),
    sources,
    isLocal: (address) => sources.includes(address) || isOwnAddress(address, parts.localAddresses()),
    vipRoutes,
    ...{ role: parts.role, natSources: parts.natSources },
    warnOfHost: (message) => parts.warnOfHost(message),
    natServers: {
      known: () => (engine.isEnded ? [] : engine.call((native) => native.natServers()).map(natServerOf)),
      every: (intervalMs, run) => pulse.every(intervalMs, run),
    },
    takePrefixes: parts.takePrefixes,
    tell: (event) => news.tell(event),
    nextPulse: (signal, atMostMs) => pulse.next(signal, atMostMs),
    monotonicMs: () => pulse.nowMs(),
    endConnections: (service, server, cursor) =>
      engine.call((native) => native.endConnections(service, server, cursor)),
    policies: {
      every: (intervalMs, run) => pulse.every(intervalMs, run),
      nowMs: () => pulse.nowMs(),
      report: (event) => news.report(event),
    },
  });
}
