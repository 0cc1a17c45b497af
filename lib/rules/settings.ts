/** Says what a director holds, or is to hold, in the words of rules. */
import { prefixFamily } from '../values/prefix.js';
import type { ServiceIdentity } from '../values/service-key.js';
import { DEFAULT_WEIGHT, type ServerSettings, type ServiceId, type ServiceProtocol } from './command.js';
import { writtenForwarding } from './forwarding.js';
import type { WantedServerSettings } from './wanted.js';

export function serviceIdOf({ protocol, address, port, lastPort, mark }: ServiceIdentity): ServiceId {
  if (mark !== undefined) return { kind: 'mark', mark, family: prefixFamily(address) };
  const named = { kind: 'address', protocol: protocol as ServiceProtocol, address, port } as const;
  return lastPort === undefined ? named : { ...named, lastPort };
}

export function serverSettings(given: WantedServerSettings): ServerSettings {
  const { forwarding = 'ipip', tunnelPort = 0, tunnelChecksum = 'none', clientAddress = 'none' } = given;
  const { weight = DEFAULT_WEIGHT, upperThreshold = 0, lowerThreshold = 0 } = given;
  const written = writtenForwarding({ forwarding, tunnelPort, tunnelChecksum, clientAddress });
  return { ...written, weight, upperThreshold, lowerThreshold };
}
