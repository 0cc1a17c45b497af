/** The operations that change the services of a native director; a list of them is done as a whole or not at all. */
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
  /** Zeroes the counters of `service`, or all counters without it. */
  | { op: 'zero'; service?: NativeServiceKey };
