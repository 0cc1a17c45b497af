/** What changes the services of a native director: all of a list, or none. */
import type { NativePolicy } from './policies.js';
import type {
  NativeMarkRule,
  NativeServerCondition,
  NativeServerConfig,
  NativeServerKey,
  NativeServiceConfig,
  NativeServiceKey,
} from './services.js';

/** A list of these is applied as one transaction: all or none, visible to the workers at once. */
export type NativeOperation =
  | { op: 'addService'; service: NativeServiceKey; config: NativeServiceConfig }
  | { op: 'editService'; service: NativeServiceKey; config: NativeServiceConfig }
  | { op: 'deleteService'; service: NativeServiceKey }
  | {
      op: 'addServer' | 'editServer';
      service: NativeServiceKey;
      server: NativeServerKey;
      config: NativeServerConfig;
      condition: NativeServerCondition;
    }
  | { op: 'deleteServer'; service: NativeServiceKey; server: NativeServerKey }
  | { op: 'clear' }
  /** Replaces the rules by which packets get a mark. */
  | { op: 'setMarks'; rules: NativeMarkRule[] }
  | { op: 'setPolicy'; service: NativeServiceKey; policy: NativePolicy }
  /** Zeroes counters; without `service` all of them. */
  | { op: 'zero'; service?: NativeServiceKey };
