import { strict as assert } from 'node:assert';
import { constants } from 'node:os';
import { pingCheck, pingFailure } from '../../lib/health/checks/ping.js';
import { native } from '../../lib/native/addon.js';
import { contextOf, found } from '../support/check-context.js';

const { EHOSTUNREACH, ECONNREFUSED, EMSGSIZE } = constants.errno;

const mayPing = (() => {
  const pinger = new native.Pinger(() => {});
  try {
    pinger.ping('127.0.0.1', 1, new Uint8Array(16));
    return true;
  } catch {
    // This process may have neither kind of socket.
    return false;
  } finally {
    pinger.close();
  }
})();

describe('the check ping', () => {
  it('passes when the address of the server answers, many at once', async function () {
    if (!mayPing) this.skip();
    const check = pingCheck();
    assert.equal(check.needsWay, false);
    const findings = await Promise.all(
      Array.from({ length: 100 }, (_, last) => found(check, contextOf(`127.0.0.${last + 1}`, 0))),
    );
    assert.deepEqual(new Set(findings.map(({ message }) => message)), new Set(['answered']));
    assert.equal((await found(pingCheck({ size: 16 }), contextOf('::1', 0))).passed, true);
    assert.equal((await found(pingCheck({ size: 65_000 }), contextOf('127.0.0.1', 0))).passed, true);
  });

  it('ends with the reason of its signal, before and after it has begun', async () => {
    const ending = AbortSignal.abort(new Error('over'));
    await assert.rejects(found(pingCheck(), contextOf('127.0.0.1', 0, ending)), /^Error: over$/);
    if (!mayPing) return;
    const later = new AbortController();
    // What the thread has to tell takes a turn of the loop.
    const run = found(pingCheck(), contextOf('127.0.0.1', 0, later.signal));
    later.abort(new Error('over'));
    await assert.rejects(run, /^Error: over$/);
    assert.equal((await found(pingCheck(), contextOf('127.0.0.1', 0))).passed, true);
  });

  it('fails with what the kernel says of an address that it does not send to', async function () {
    if (!mayPing) this.skip();
    const finding = await found(pingCheck(), contextOf('127.255.255.255', 0));
    assert.equal(finding.reason, 'failed');
    assert.match(finding.message, /^can't ping 127\.255\.255\.255: /);
  });

  it('says who has sent which ICMP error', () => {
    const outcome = { ping: 1, isAnswered: false };
    const icmp = { type: 3, code: 1, from: '192.0.2.1' };
    const failures = [
      { ...outcome, errno: EHOSTUNREACH, icmp },
      { ...outcome, errno: ECONNREFUSED, icmp: { ...icmp, code: 3 } },
      { ...outcome, errno: EHOSTUNREACH },
      { ...outcome, errno: EMSGSIZE },
    ].map(pingFailure);
    assert.deepEqual(
      failures.map(({ reason, message }) => [reason, message]),
      [
        ['unreachable', 'ICMP type 3 code 1 from 192.0.2.1: host unreachable'],
        ['unreachable', 'ICMP type 3 code 3 from 192.0.2.1: connection refused'],
        ['unreachable', 'host unreachable'],
        ['unreachable', 'packet too long for the path'],
      ],
    );
  });

  it('refuses sizes that no datagram has', () => {
    for (const size of [15, 65_001])
      assert.throws(() => pingCheck({ size }), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'size' });
  });
});

describe('the native pings', () => {
  it('refuse what is no address or payload, and everything once they are closed', () => {
    assert.throws(() => new native.Pinger(1 as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    const pinger = new native.Pinger(() => {});
    const bytes = new Uint8Array(16);
    assert.throws(() => pinger.ping('nowhere', 1, bytes), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    assert.throws(() => pinger.ping('127.0.0.1', 1, '' as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    pinger.cancel(7);
    pinger.close();
    pinger.close();
    pinger.cancel(7);
    assert.throws(() => pinger.ping('127.0.0.1', 1, bytes), { code: 'ERR_TUNVS_CLOSED' });
  });
});
