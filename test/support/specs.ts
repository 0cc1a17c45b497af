/** Specs for tests: of a director that is offline, with one virtual service. */
import type { Spec } from '../../lib/config/spec.js';

export const SOURCE = '10.2.0.2';
export const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

export const spec = (...services: NonNullable<Spec['services']>): Spec => ({ source: SOURCE, services });
