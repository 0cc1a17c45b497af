import { strict as assert } from 'node:assert';
import { missingCapabilities } from '../../lib/lab/isolation.js';
import { LabProcess } from '../../lib/lab/lab-process.js';

describe('what keeps a lab from being built', () => {
  it('is a capability that root lacks', () => {
    assert.deepEqual(missingCapabilities('CapPrm:\t0\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n'), []);
    assert.deepEqual(missingCapabilities('CapEff:\t000001ffffffdfff\n'), ['CAP_NET_RAW']);
    assert.deepEqual(missingCapabilities('CapEff:\t0\n'), ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN']);
  });

  it('is said first by the program that failed', async () => {
    const failing = new LabProcess(['sh', '-c', 'echo "tunvs: it is so; mend it" >&2; echo more >&2; exit 1']);
    await assert.rejects(
      failing.line(() => false),
      (error: Error & { code?: string }) =>
        error.code === 'LAB_PROCESS' && /^tunvs: it is so; mend it\n"sh -c .* ended early \(code 1/.test(error.message),
    );
  });
});
