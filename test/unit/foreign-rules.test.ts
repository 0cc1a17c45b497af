/** A rule of others that comes before those for replies of NAT servers is said, with how to move it. */
import { strict as assert } from 'node:assert';
import { DirectorHost } from '../../lib/host/director-host.js';
import { FakeHost } from '../support/fake-host.js';

const LAN = { interfaceName: 'eth0', address: '10.2.0.2', prefixLength: 24 };
const LOCAL = { priority: 0, src: 'all', table: 'local' };
const MAIN = { priority: 32766, src: 'all', table: 'main' };
const NETWORK = { src: '10.2.0.0', srclen: 24, table: 'main' };

/** Returns what is said of these rules beside those that every host has. */
function said(...rules: object[]): string[] {
  const host = new FakeHost({ addresses: [LAN] });
  const director = new DirectorHost({ sources: ['10.2.0.2'], host });
  director.open('tunvs0');
  director.setNatServers([{ address: '10.2.0.11', protocols: ['tcp'], port: 8080 }]);
  const lan = { ifindex: 2, ifname: 'eth0', flags: ['UP'], mtu: 1500 };
  host.answers['ip -j -4 address show'] = JSON.stringify([
    { ...lan, addr_info: [{ local: LAN.address, prefixlen: LAN.prefixLength }] },
  ]);
  host.answers['ip -j -4 rule show'] = JSON.stringify([LOCAL, ...rules, MAIN]);
  return director.conflicts(host.takeSnapshot());
}

const TAKEN: [what: string, rule: object, words: string][] = [
  ['the servers’ network', { priority: 5, ...NETWORK }, 'from 10.2.0.0/24 lookup main'],
  ['everything, before the slot', { priority: 20, src: 'all', table: 'main' }, 'from all lookup main'],
  ['everything, within the slot', { priority: 24, src: 'all', table: 'main' }, 'from all lookup main'],
  ['one server', { priority: 7, src: '10.2.0.11', table: '7' }, 'from 10.2.0.11/32 lookup 7'],
  [
    'some clients',
    { priority: 7, src: 'all', dst: '198.51.100.0', dstlen: 24, table: '7' },
    'from all to 198.51.100.0/24 lookup 7',
  ],
  ['the servers’ device', { priority: 7, src: 'all', iif: 'eth0', table: '7' }, 'from all iif eth0 lookup 7'],
  [
    'its port',
    { priority: 7, src: 'all', ipproto: 'tcp', sport_start: 8000, sport_end: 8999, table: '7' },
    'from all ipproto tcp sport 8000-8999 lookup 7',
  ],
  [
    'what has no mark',
    { priority: 7, not: null, src: 'all', fwmark: '0xca6c', table: '7' },
    'from all fwmark 0xca6c lookup 7',
  ],
  ['all but others', { priority: 7, not: null, src: '10.3.0.0', srclen: 16, table: '7' }, 'from 10.3.0.0/16 lookup 7'],
  ['a blackhole', { priority: 7, src: 'all', action: 'blackhole' }, 'from all blackhole'],
  ['a jump over the slot', { priority: 7, src: 'all', goto: 100 }, 'from all goto 100'],
];

const HARMLESS: [what: string, rule: object][] = [
  ['comes after the slot', { priority: 27, src: 'all', table: 'main' }],
  ['is of another network', { priority: 5, src: '10.3.0.0', srclen: 24, table: 'main' }],
  ['is of a mark', { priority: 5, src: 'all', fwmark: '0x1', table: '7' }],
  ['is of another device', { priority: 5, src: 'all', iif: 'eth7', table: '7' }],
  ['is of the host’s own packets', { priority: 5, src: 'all', iif: 'lo', table: '7' }],
  ['is of a process', { priority: 5, src: 'all', uid_start: 1000, uid_end: 1000, table: '7' }],
  ['is of another protocol', { priority: 5, src: 'all', ipproto: 'udp', table: '7' }],
  ['is of another port', { priority: 5, src: 'all', ipproto: 'tcp', sport: 22, table: '7' }],
  ['is of all but the servers', { priority: 5, not: null, ...NETWORK }],
  ['finds local addresses', { priority: 1, src: 'all', table: 'local' }],
  ['does nothing', { priority: 5, src: 'all', nop: null }],
  ['jumps to before the slot', { priority: 5, src: 'all', goto: 10 }],
  ['is of a director', { priority: 24, ...NETWORK, protocol: '84' }],
];

describe('a rule of others before those for replies', () => {
  for (const [what, rule, words] of TAKEN) {
    it(`is said when it takes ${what}`, () => {
      const [sentence = '', ...more] = said(rule);
      assert.deepEqual(more, []);
      const { priority, not } = rule as { priority: number; not?: null };
      const written = (pref: number) => `${not === null ? 'not ' : ''}pref ${pref} ${words}`;
      assert.ok(sentence.startsWith(`a rule of others ("${written(priority)}") comes before`), sentence);
      assert.ok(sentence.includes('replies of 10.2.0.11 '), sentence);
      const mend = `"ip rule add ${written(100 + priority)}" and "ip rule del ${written(priority)}"`;
      assert.ok(sentence.endsWith(mend), sentence);
    });
  }

  for (const [what, rule] of HARMLESS) {
    it(`is not said when it ${what}`, () => {
      assert.deepEqual(said(rule), []);
    });
  }
});
