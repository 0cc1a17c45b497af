import { strict as assert } from 'node:assert';
import { parseDeviceCounters } from '../../lib/host/device-counters.js';

const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
 eth0: 18446744073709551615 7 1 3 0 0 0 0 4000 9 0 0 0 0 0 0
eth0.1:12 1 0 0 0 0 0 0 34 5 0 0 0 0 0 0
`;

describe('parseDeviceCounters', () => {
  it('reads the counters of the device that is asked for', () => {
    assert.deepEqual(parseDeviceCounters(TEXT, 'eth0'), {
      receivedBytes: 18446744073709551615n,
      receivedPackets: 7n,
      receiveErrors: 1n,
      receiveDrops: 3n,
      sentBytes: 4000n,
      sentPackets: 9n,
    });
  });

  it('reads a line without a space behind the colon', () => {
    assert.equal(parseDeviceCounters(TEXT, 'eth0.1')?.receivedBytes, 12n);
  });

  it('has nothing for a device that is not there', () => {
    assert.equal(parseDeviceCounters(TEXT, 'eth'), undefined);
  });
});
