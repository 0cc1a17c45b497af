/** Why a server fails by the virtual address: every combination of what was seen has one name and one mend. */
import { strict as assert } from 'node:assert';
import type { FailureReason, Finding } from '../../lib/health/checks/check.js';
import { diagnose, type AskedHost } from '../../lib/health/way/diagnose.js';
import { noEvidence, type WayEvidence } from '../../lib/health/way/evidence.js';
import { icmpMeaning } from '../../lib/health/way/icmp-words.js';
import { realServerCommand } from '../../lib/health/way/mends.js';
import type { Subject } from '../../lib/health/way/subject.js';

const RIP = '10.3.0.11';
const VIP = '10.9.9.9';
const DIP = '10.2.0.2';
const subject: Subject = {
  ...{ address: RIP, forwarding: 'ipip', tunnelPort: 0, serverPort: 80 },
  ...{ virtualAddress: VIP, directors: [DIP] },
};
const nat: Subject = { ...subject, forwarding: 'nat', serverPort: 8080 };
const snat: Subject = { ...nat, forwarding: 'snat' };
const gue: Subject = { ...subject, forwarding: 'gue', tunnelPort: 6080 };
const ROUTER = '10.2.0.1';

const fine: AskedHost = { misrouted: () => undefined, repliesDropped: () => undefined };
const sent: WayEvidence = { ...noEvidence(), flows: 1, packets: 2, source: DIP };
const answered: WayEvidence = { ...sent, isAnswered: true };
const icmp = (type: number, code: number, from = RIP, isOfTunnel = true): WayEvidence => ({
  ...sent,
  icmp: { type, code, from, isOfTunnel },
});
const says = (reason: FailureReason, message = `it is ${reason}`): Finding => ({ passed: false, reason, message });
const passes: Finding = { passed: true, message: 'connected' };

interface Case {
  what: string;
  vip: Finding;
  address?: Finding;
  evidence?: WayEvidence;
  of?: Subject;
  host?: Partial<AskedHost>;
  reason: FailureReason | undefined;
  message: RegExp;
  mend?: RegExp;
}

const cases: Case[] = [
  { what: 'a server that passes', vip: passes, evidence: answered, reason: undefined, message: /^connected$/ },
  {
    what: 'an answer that has not passed the director',
    vip: passes,
    evidence: { ...answered, packets: 0 },
    reason: 'failed',
    message: /answered, but not by the director/,
    mend: /nft, iptables/,
  },
  {
    what: 'the virtual address on the director itself',
    vip: says('refused'),
    evidence: { ...answered, packets: 0 },
    host: { misrouted: () => ({ message: 'it is an address of the host', mend: 'Remove it.' }) },
    reason: 'failed',
    message: /^it is an address of the host$/,
    mend: /^Remove it\.$/,
  },
  {
    what: 'a firewall of the director that refuses to send',
    vip: says('failed', 'the firewall of this host refuses the packet'),
    evidence: { ...sent, packets: 0 },
    reason: 'failed',
    message: /^the firewall of this host refuses/,
  },
  {
    what: 'packets that the director keeps',
    vip: says('timeout'),
    evidence: { ...sent, packets: 0, kept: { dropNoSource: 3 } },
    reason: 'failed',
    message: /did not forward the check \(dropNoSource 3\)/,
    mend: /source address of the real server's family/,
  },
  {
    what: 'packets of a check that the director refuses',
    vip: says('timeout'),
    evidence: { ...sent, packets: 0, kept: { dropBadSource: 3 } },
    reason: 'failed',
    message: /did not forward the check \(dropBadSource 3\)/,
    mend: /change the TTL or the source/,
  },
  {
    what: 'a check that has not begun',
    vip: says('failed', 'all source ports are in use'),
    evidence: noEvidence(),
    reason: 'failed',
    message: /^all source ports are in use$/,
  },
  {
    what: 'a server without IPIP',
    vip: says('timeout'),
    evidence: icmp(3, 2),
    reason: 'unreachable',
    message: /^protocol unreachable \(ICMP type 3, code 2, from 10\.3\.0\.11\)$/,
    mend: /^At 10\.3\.0\.11 there is no IPIP tunnel: run "tunvs realserver --vip 10\.9\.9\.9 --director 10\.2\.0\.2 --dry-run"/,
  },
  {
    what: 'a wrong GUE port',
    vip: says('timeout'),
    evidence: icmp(3, 3),
    of: gue,
    reason: 'unreachable',
    message: /^port unreachable/,
    mend: /nobody takes GUE on UDP port 6080/,
  },
  {
    what: 'a firewall that rejects as it does by default',
    vip: says('timeout'),
    evidence: icmp(3, 3),
    reason: 'unreachable',
    message: /^port unreachable/,
    mend: /firewall at 10\.3\.0\.11 accept IP protocols 4 and 41 .* from 10\.2\.0\.2/,
  },
  {
    what: 'a firewall on the way',
    vip: says('timeout'),
    evidence: icmp(3, 13, ROUTER),
    reason: 'unreachable',
    message: /^communication prohibited/,
    mend: /firewall at 10\.2\.0\.1/,
  },
  {
    what: 'a host that is gone',
    vip: says('unreachable'),
    evidence: icmp(3, 1, ROUTER),
    reason: 'unreachable',
    message: /^host unreachable .* from 10\.2\.0\.1/,
    mend: /^Start the host 10\.3\.0\.11/,
  },
  {
    what: 'a loop of routes',
    vip: says('timeout'),
    evidence: icmp(11, 0, ROUTER),
    reason: 'unreachable',
    message: /^time to live exceeded/,
    mend: /traceroute 10\.3\.0\.11/,
  },
  {
    what: 'a path that takes shorter packets only',
    vip: says('timeout'),
    evidence: icmp(3, 4, ROUTER),
    reason: 'unreachable',
    message: /^fragmentation needed/,
    mend: /MTU/,
  },
  {
    what: 'a wrong answer on a path whose MTU has become known',
    vip: says('wrong answer', 'status 503'),
    evidence: { ...icmp(3, 4, ROUTER), isAnswered: true },
    reason: 'wrong answer',
    message: /^status 503$/,
  },
  {
    what: 'a process that has stopped',
    vip: says('refused', 'connection refused'),
    address: says('refused'),
    evidence: sent,
    reason: 'refused',
    message: /^connection refused$/,
  },
  {
    what: 'a process that listens on the own address alone',
    vip: says('refused', 'connection refused'),
    address: passes,
    evidence: sent,
    reason: 'refused',
    message: /^connection refused, while 10\.3\.0\.11 answers$/,
    mend: /The tunnel works: let the program listen on 10\.9\.9\.9/,
  },
  {
    what: 'ICMP about the packet inside, with its code',
    vip: says('refused', 'connection refused'),
    evidence: icmp(3, 3, VIP, false),
    reason: 'refused',
    message: /^connection refused \(ICMP type 3, code 3, from 10\.9\.9\.9\)$/,
  },
  {
    what: 'silence while the own address passes',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    reason: 'not decapsulating',
    message: /^silence on 10\.9\.9\.9 \(2 packets sent by ipip\), while 10\.3\.0\.11 answers$/,
    mend: /needs the address 10\.9\.9\.9, a tunnel device that is up, rp_filter 0 or 2 .* --dry-run"/,
  },
  {
    what: 'silence while the own address refuses, since its program has the virtual one alone',
    vip: says('timeout'),
    address: says('refused', 'connection refused'),
    evidence: sent,
    reason: 'not decapsulating',
    message: /while 10\.3\.0\.11 answers \(connection refused\)$/,
  },
  {
    what: 'silence of a NAT server whose own address passes',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    of: nat,
    reason: 'timeout',
    message: /^silence on 10\.9\.9\.9 \(2 packets sent by nat\), while 10\.3\.0\.11 answers$/,
    mend: /^Replies have to come back through the director: let the server's default route, .* accept packets from clients to port 8080\.$/,
  },
  {
    what: 'silence by full NAT of a server whose own address passes',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    of: snat,
    reason: 'timeout',
    message: /sent by snat\), while/,
    mend: /network route full NAT's addresses to this director, .* from full NAT's addresses to port 8080\.$/,
  },
  {
    what: 'silence of a NAT server whose own address was not asked',
    vip: says('timeout'),
    evidence: sent,
    of: nat,
    reason: 'timeout',
    message: /sent by nat/,
    mend: /via: both\) to tell its way back from its host\. Replies have to/,
  },
  {
    what: 'a NAT server on whose port nobody listens',
    vip: says('refused', 'connection refused'),
    evidence: sent,
    of: nat,
    reason: 'refused',
    message: /^connection refused$/,
    mend: /^Let the program listen on 10\.3\.0\.11:8080, and the firewall at 10\.3\.0\.11 accept packets from clients to it\.$/,
  },
  {
    what: 'a firewall before a NAT server',
    vip: says('timeout'),
    evidence: icmp(3, 13, ROUTER),
    of: nat,
    reason: 'unreachable',
    message: /^communication prohibited/,
    mend: /listen on 10\.3\.0\.11:8080, and the firewall at 10\.2\.0\.1 accept packets from clients/,
  },
  {
    what: 'a NAT server that serves its own address alone well',
    vip: says('wrong answer', 'status 404'),
    address: passes,
    evidence: answered,
    of: nat,
    reason: 'wrong answer',
    message: /^status 404$/,
    mend: /^$/,
  },
  {
    what: 'silence of direct routing',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    of: { ...subject, forwarding: 'dr' },
    reason: 'not decapsulating',
    message: /sent by dr/,
    mend: /the address 10\.9\.9\.9 on lo.*--forwarding dr --dry-run/,
  },
  {
    what: 'silence of a local node',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    of: { ...subject, forwarding: 'local' },
    reason: 'not decapsulating',
    message: /sent by local/,
    mend: /service on the director's host listen on 10\.9\.9\.9/,
  },
  {
    what: 'silence on both',
    vip: says('timeout'),
    address: says('timeout'),
    evidence: sent,
    reason: 'timeout',
    message: /^silence on 10\.9\.9\.9 .* and on 10\.3\.0\.11$/,
    mend: /the host 10\.3\.0\.11 runs/,
  },
  {
    what: 'silence of a host that is gone',
    vip: says('timeout'),
    address: says('unreachable', 'host unreachable'),
    evidence: sent,
    reason: 'unreachable',
    message: /10\.3\.0\.11: host unreachable/,
    mend: /^Start the host/,
  },
  {
    what: 'silence when the own address was not asked',
    vip: says('timeout', 'no answer within 1000 ms'),
    evidence: sent,
    reason: 'timeout',
    message: /^no answer within 1000 ms \(2 packets sent by ipip\)$/,
    mend: /via: both.*tunvs realserver/,
  },
  {
    what: 'strict rp_filter where the replies come in',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    host: { repliesDropped: () => ({ message: 'rp_filter is strict', mend: 'Write 2.', isCertain: true }) },
    reason: 'failed',
    message: /^rp_filter is strict$/,
    mend: /^Write 2\.$/,
  },
  {
    what: 'strict rp_filter elsewhere, which may be something else',
    vip: says('timeout'),
    address: passes,
    evidence: sent,
    host: { repliesDropped: () => ({ message: 'rp_filter is strict', mend: 'Write 2.', isCertain: false }) },
    reason: 'not decapsulating',
    message: /^silence/,
    mend: /tunvs realserver.* Or it is this: rp_filter is strict\. Write 2\.$/,
  },
  {
    what: 'an answer from another address',
    vip: says('timeout'),
    address: passes,
    evidence: { ...sent, wrongSource: RIP },
    reason: 'wrong answer',
    message: /^the answer came from 10\.3\.0\.11 in place of 10\.9\.9\.9/,
    mend: /bind its socket to 10\.9\.9\.9/,
  },
  {
    what: 'a server that takes connections and is silent then',
    vip: says('timeout', 'no answer to the request'),
    address: says('timeout'),
    evidence: answered,
    reason: 'timeout',
    message: /^no answer to the request$/,
    mend: /takes connections and does not answer/,
  },
  {
    what: 'another answer on the virtual address',
    vip: says('wrong answer', 'status 404'),
    address: passes,
    evidence: answered,
    reason: 'wrong answer',
    message: /^status 404$/,
    mend: /own address passes: let the program serve 10\.9\.9\.9/,
  },
  {
    what: 'a mend that the check knows',
    vip: { ...says('wrong certificate'), mend: 'Renew it.' },
    address: passes,
    evidence: answered,
    reason: 'wrong certificate',
    message: /wrong certificate/,
    mend: /^Renew it\.$/,
  },
];

/** What says nothing of the server. */
const ownFaults = new Set([
  'an answer that has not passed the director',
  'the virtual address on the director itself',
  'packets of a check that the director refuses',
  'strict rp_filter where the replies come in',
]);

describe('a failure by the virtual address', () => {
  for (const { what, vip, address, evidence = sent, of = subject, host = {}, reason, message, mend } of cases) {
    it(`is told for ${what}`, () => {
      const finding = diagnose({ vip, address, evidence }, of, { ...fine, ...host });
      assert.equal(finding.passed, reason === undefined);
      assert.equal(finding.reason, reason);
      assert.match(finding.message, message);
      assert.equal(finding.isOwnFault ?? false, ownFaults.has(what));
      if (mend !== undefined) assert.match(finding.mend ?? '', mend);
    });
  }

  it('keeps the warning of the check', () => {
    const vip = { ...says('timeout'), warning: 'the certificate expires' };
    assert.equal(diagnose({ vip, address: passes, evidence: sent }, subject, fine).warning, 'the certificate expires');
  });

  it('has words for every code of ICMP, and none is taken for another', () => {
    const all = ([4, 6] as const).flatMap((family) =>
      Array.from({ length: 256 * 18 }, (_, index) => icmpMeaning(family, index >> 8, index & 255)),
    );
    for (const { words } of all) assert.match(words, /^[a-z]|^ICMP type \d+$/);
    assert.deepEqual(icmpMeaning(6, 1, 4), { words: 'port unreachable', blame: 'port' });
    assert.deepEqual(icmpMeaning(6, 4, 1), { words: 'protocol unknown', blame: 'tunnel' });
    assert.deepEqual(icmpMeaning(4, 3, 200), { words: 'ICMP type 3', blame: 'other' });
  });

  it("names the director's addresses of the family of the tunnel", () => {
    const directors = [DIP, '2001:db8:2::2'];
    const command = realServerCommand({ ...gue, address: '2001:db8:3::11', tunnelPort: 6099, directors });
    assert.equal(
      command,
      'tunvs realserver --vip 10.9.9.9 --director 2001:db8:2::2 --forwarding gue --gue-port 6099 --dry-run',
    );
    assert.match(realServerCommand({ ...subject, directors: ['2001:db8:2::2'] }), /--director 2001:db8:2::2/);
  });
});
