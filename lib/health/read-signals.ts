/** Reads what the traffic of a server tells, from its statistics. */
import type { RealServer } from '../director/virtual-service.js';
import type { PassiveSignals } from './rules/observe.js';

/** No statistic tells of troubles yet. */
export const readSignals = (_server: RealServer): PassiveSignals | undefined => undefined;
