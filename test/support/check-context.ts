/** What checks are given in tests, and what they find. */
import { type Check, type CheckContext, CheckFailure, type Finding } from '../../lib/health/checks/check.js';
import { addressWay } from '../../lib/health/way/address-way.js';

/** What a check is told about a server at this address. */
export function contextOf(address: string, port: number, signal?: AbortSignal): CheckContext {
  return {
    server: { address, port, service: { protocol: 'tcp', address: '192.0.2.1', port: 80 } },
    way: addressWay({ address, port }),
    signal: signal ?? new AbortController().signal,
  };
}

/** What the check finds, a failure that it throws included. */
export async function found(check: Check, context: CheckContext): Promise<Finding> {
  try {
    return await check.run(context);
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error;
    const { reason, message, mend, isOwnFault } = error;
    return { passed: false, reason, message, ...(mend && { mend }), ...(isOwnFault && { isOwnFault }) };
  }
}
