/** How listings write an address and a port: as numbers, or by names that were found before. */
import { type Endpoint, formatEndpoint } from '../../values/inet.js';
import type { AnyProtocol } from '../../values/protocol.js';

export interface NamedEndpoint extends Endpoint {
  /** A service's name depends on it; 'ip' has no services. */
  protocol: AnyProtocol;
}

/** Writes ADDRESS:PORT. */
export type WriteEndpoint = (endpoint: Endpoint, protocol: AnyProtocol) => string;

/** Finds the names of many endpoints, and returns what writes them. It does not fail: a number needs no name. */
export type FindNames = (endpoints: readonly NamedEndpoint[]) => Promise<WriteEndpoint>;

export const writeNumbers: WriteEndpoint = (endpoint) => formatEndpoint(endpoint);
