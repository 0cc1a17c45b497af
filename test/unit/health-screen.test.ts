/** What `tunvs health` prints. */
import { strict as assert } from 'node:assert';
import { healthLines } from '../../lib/cli/health/screen.js';
import type { HealthOverview } from '../../lib/control/schema/health.js';
import { paint } from '../../lib/demo/styled-line.js';
import { AT } from '../support/fake-health.js';

const printed = (found: HealthOverview, columns = 100) =>
  healthLines(found, columns, AT + 90_000).map((line) => paint(line, false).trimEnd());

const SERVER = { port: 80, since: AT };
const UP = { name: '10.3.0.11:80', address: '10.3.0.11', state: 'up', ...SERVER } as const;
const DOWN = { name: '10.3.0.12:80', address: '10.3.0.12', state: 'down', ...SERVER } as const;
const WEB = {
  name: 'tcp 192.0.2.1:80',
  isUp: true,
  since: AT,
  weight: 1,
  quorum: 1,
  isFailOpen: false,
  isSorry: false,
};

describe('the screen of tunvs health', () => {
  it('has each server with what was found, why it is down, and the mend', () => {
    const last = { at: AT, passed: true, durationMs: 12.4, message: 'status 200' };
    const servers = [
      { ...UP, last },
      { ...DOWN, message: 'http: status 503', mend: 'Look at the log of the web server.' },
      { ...DOWN, name: '10.3.0.13:80', state: 'unchecked' as const },
    ];
    assert.deepEqual(printed({ services: [{ ...WEB, servers }] }), [
      'tcp 192.0.2.1:80 2/3 up',
      '  10.3.0.11:80   up         since 12:03:11 (1 min)  status 200, 12 ms',
      '  10.3.0.12:80   down       since 12:03:11 (1 min)  http: status 503',
      '                            Look at the log of the web server.',
      '  10.3.0.13:80   unchecked  nobody checks it',
    ]);
  });

  it('says of a service that it has lost its quorum, and who took over', () => {
    const service = { ...WEB, isUp: false, weight: 0, isSorry: true, servers: [DOWN] };
    assert.equal(
      printed({ services: [service] })[0],
      'tcp 192.0.2.1:80 0/1 up     quorum 0 of 1, the sorry servers are in force',
    );
  });

  it('counts a sorry server neither as up nor as one of those that should be', () => {
    const sorry = { ...UP, name: '10.3.0.99:80', state: 'unchecked', isSorry: true } as const;
    assert.deepEqual(printed({ services: [{ ...WEB, servers: [UP, sorry] }] }), [
      'tcp 192.0.2.1:80 1/1 up',
      '  10.3.0.11:80   up         since 12:03:11 (1 min)',
      '  10.3.0.99:80   sorry',
    ]);
  });

  it("says what is wrong with the director's own host", () => {
    const server = { ...UP, ownFault: 'tcp: all 16 source ports of checks are in use' };
    const lines = printed({ services: [{ ...WEB, servers: [server] }] });
    assert.match(lines[2] ?? '', /^ +the director's own fault: tcp: all 16 source ports/);
  });

  it('says that nothing is checked', () => {
    assert.deepEqual(printed({ services: [] }), ['no servers are checked']);
  });
});
