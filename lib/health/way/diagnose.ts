/**
 * Says why a server has failed by the virtual address, of what the check has found, what became of its packets, and
 * what the server's own address answers. Pure.
 */
import { familyOf } from '../../host/family.js';
import { isRewriting } from '../../values/forwarding-method.js';
import type { FailureReason, Finding } from '../checks/check.js';
import type { WayEvidence } from './evidence.js';
import type { HostFault } from './host-facts.js';
import { type IcmpMeaning, icmpMeaning } from './icmp-words.js';
import { carrier, mendDecapsulation, mendTunnel } from './mends.js';
import { mendPort } from './nat-mends.js';
import type { Subject } from './subject.js';

/** What the director's host may be asked. */
export interface AskedHost {
  misrouted(virtualAddress: string, source: string): HostFault | undefined;
  repliesDropped(source: string): (HostFault & { isCertain: boolean }) | undefined;
}

export interface Findings {
  /** By the virtual address. */
  vip: Finding;
  /** By the server's own address; absent when that was not asked. */
  address?: Finding | undefined;
  evidence: WayEvidence;
}

/** Returns the finding by the virtual address with what is known besides, and the reason that fits it best. */
export function diagnose(found: Findings, subject: Subject, host: AskedHost): Finding {
  const { vip, evidence } = found;
  if (vip.isOwnFault) return vip;
  if (evidence.flows > 0 && evidence.packets === 0) return ofDirector(found, subject, host) ?? vip;
  if (vip.passed || evidence.flows === 0) return vip;
  const icmp = ofTunnel(found, subject);
  if (icmp !== undefined) return icmp;
  if (vip.reason === 'refused') return ofRefusal(found, subject);
  if (vip.reason === 'timeout' && !evidence.isAnswered) return ofSilence(found, subject, host);
  return ofService(found, subject);
}

/** No packet was forwarded: whatever was found, it is not what clients find. */
function ofDirector({ vip, evidence }: Findings, { virtualAddress }: Subject, host: AskedHost): Finding | undefined {
  const kept = Object.entries(evidence.kept).filter(([, count]) => count > 0);
  if (kept.length > 0) {
    const counts = kept.map(([name, count]) => `${name} ${count}`).join(', ');
    const message = `the director did not forward the check (${counts})`;
    const mend = mendOfKept(evidence.kept);
    // What keeps the packets of clients as well leaves the server without any, so it is not one to be chosen.
    return isOfCheckAlone(kept) ? own(vip, message, mend) : failed(vip, 'failed', message, mend);
  }
  const fault = evidence.source === undefined ? undefined : host.misrouted(virtualAddress, evidence.source);
  if (fault !== undefined) return own(vip, fault.message, fault.mend);
  // A firewall and the like have refused the packets: the check's own words say so.
  if (!vip.passed && vip.reason !== 'timeout') return undefined;
  return own(
    vip,
    vip.passed
      ? `${virtualAddress} answered, but not by the director: no packet of the check came to it`
      : 'no packet of the check came to the director',
    `Look for rules of the director's host (nft, iptables, ip rule) that keep or redirect packets to ${virtualAddress}.`,
  );
}

/** The source and the TTL of a check's packets are asked for by its pin, and of nobody else's. */
const isOfCheckAlone = (kept: readonly [string, number][]) => kept.every(([name]) => name === 'dropBadSource');

function mendOfKept(kept: WayEvidence['kept']): string | undefined {
  if (kept.dropNoSource) return "Give the director a source address of the real server's family.";
  if (kept.dropBadSource) return "Let no rule of the director's host change the TTL or the source of packets to it.";
  if (kept.dropTooLong) return 'Raise the MTU on the way to the server, or let it take longer packets.';
  return undefined;
}

function ofTunnel({ vip, evidence }: Findings, subject: Subject): Finding | undefined {
  const { icmp } = evidence;
  if (icmp === undefined || !icmp.isOfTunnel) return undefined;
  const meaning = icmpMeaning(familyOf(icmp.from), icmp.type, icmp.code);
  // A path MTU that has become known lets the next packets through; a check that failed has another reason.
  if (meaning.blame === 'size' && vip.reason !== 'timeout' && vip.reason !== 'unreachable') return undefined;
  const message = `${meaning.words} (ICMP type ${icmp.type}, code ${icmp.code}, from ${icmp.from})`;
  return failed(vip, 'unreachable', message, mendOfTunnel(meaning, icmp.from, subject));
}

function mendOfTunnel({ blame }: IcmpMeaning, from: string, subject: Subject): string {
  const { address, forwarding } = subject;
  const isOfServer = from === address;
  if (isRewriting(forwarding) && (blame === 'port' || blame === 'firewall')) return mendPort(subject, from);
  if (blame === 'tunnel' || (blame === 'port' && forwarding === 'gue')) return mendTunnel(subject);
  // The REJECT of a firewall answers with 'port unreachable' unless it is told otherwise.
  if (blame === 'firewall' || blame === 'port')
    return `Let the firewall at ${from} accept ${carrier(subject)} from ${subject.directors.join(' and ')}.`;
  if (blame === 'size') return `Raise the MTU between the director and ${address}, or let ICMP of that kind pass.`;
  if (blame === 'loop') return `Look for a loop in the routes to ${address}: "traceroute ${address}" shows it.`;
  return isOfServer
    ? `Look at the routes and firewall of ${address}.`
    : `Start the host ${address}, or mend the route to it: ${from} knows no way.`;
}

function ofRefusal({ vip, address, evidence }: Findings, subject: Subject): Finding {
  const { virtualAddress } = subject;
  const { icmp } = evidence;
  // The packet has come out of the tunnel, and the server's host sends it on.
  const told = icmp && !icmp.isOfTunnel ? `, ICMP type ${icmp.type}, code ${icmp.code}, from ${icmp.from}` : '';
  const message = told === '' ? vip.message : `${vip.message} (${told.slice(2)})`;
  if (isRewriting(subject.forwarding)) return { ...vip, message, mend: mendPort(subject) };
  if (address?.passed !== true) return { ...vip, message };
  return failed(
    vip,
    'refused',
    `${message}, while ${subject.address} answers`,
    `The tunnel works: let the program listen on ${virtualAddress} as well, or on every address.`,
  );
}

/** Nothing has come back from the virtual address. */
function ofSilence(found: Findings, subject: Subject, host: AskedHost): Finding {
  const { vip, evidence } = found;
  if (evidence.wrongSource !== undefined) return ofWrongSource(vip, evidence.wrongSource, subject.virtualAddress);
  const fault = evidence.source === undefined ? undefined : host.repliesDropped(evidence.source);
  if (fault?.isCertain) return own(vip, fault.message, fault.mend);
  const silence = ofServersSilence(found, subject);
  if (fault === undefined) return silence;
  return { ...silence, mend: `${silence.mend} Or it is this: ${fault.message}. ${fault.mend}` };
}

function ofServersSilence({ vip, address, evidence }: Findings, subject: Subject): Finding & { mend: string } {
  const { virtualAddress } = subject;
  const sent = `${evidence.packets} ${evidence.packets === 1 ? 'packet' : 'packets'} sent by ${subject.forwarding}`;
  if (address === undefined) {
    const what = isRewriting(subject.forwarding) ? 'its way back' : 'its tunnel';
    const mend = `Ask the server's own address as well (via: both) to tell ${what} from its host. ${mendDecapsulation(subject)}`;
    return { ...vip, message: `${vip.message} (${sent})`, mend: vip.mend ?? mend };
  }
  if (isAlive(address)) {
    const says = address.passed ? 'answers' : `answers (${address.message})`;
    const message = `silence on ${virtualAddress} (${sent}), while ${subject.address} ${says}`;
    const reason = isRewriting(subject.forwarding) ? 'timeout' : 'not decapsulating';
    return failed(vip, reason, message, mendDecapsulation(subject));
  }
  if (address.reason === 'unreachable') {
    const message = `silence on ${virtualAddress}; ${subject.address}: ${address.message}`;
    return failed(vip, 'unreachable', message, `Start the host ${subject.address}, or mend the route to it.`);
  }
  const message = `silence on ${virtualAddress} (${sent}) and on ${subject.address}`;
  return failed(
    vip,
    'timeout',
    message,
    `Look whether the host ${subject.address} runs and "ping ${subject.address}" gets there.`,
  );
}

function ofWrongSource(vip: Finding, from: string, virtualAddress: string): Finding {
  return failed(
    vip,
    'wrong answer',
    `the answer came from ${from} in place of ${virtualAddress}, so clients do not take it`,
    `Let the program answer from the address that was asked: bind its socket to ${virtualAddress}, or use IP_PKTINFO; ` +
      'and let no NAT rule of the server change the source.',
  );
}

/** The virtual address has answered, so the tunnel works. By NAT it is the same program that both addresses ask. */
function ofService({ vip, address, evidence }: Findings, subject: Subject): Finding {
  if (address === undefined) return vip;
  if (address.passed && !isRewriting(subject.forwarding) && vip.reason !== 'timeout') {
    const mend = `The server's own address passes: let the program serve ${subject.virtualAddress} in the same way.`;
    return { ...vip, mend: vip.mend ?? mend };
  }
  if (vip.reason === 'timeout' && evidence.isAnswered && vip.mend === undefined)
    return { ...vip, mend: `The server takes connections and does not answer: look at its program and its load.` };
  return vip;
}

/** The server's host has answered in one way or another. */
function isAlive({ passed, reason }: Finding): boolean {
  return passed || (reason !== 'timeout' && reason !== 'unreachable' && reason !== 'failed');
}

/** The fault of the director's host. */
function own(vip: Finding, message: string, mend: string | undefined): Finding {
  return { ...failed(vip, 'failed', message, mend), isOwnFault: true };
}

function failed<Mend extends string | undefined>(vip: Finding, reason: FailureReason, message: string, mend?: Mend) {
  const { warning } = vip;
  return {
    passed: false,
    reason,
    message,
    ...(mend !== undefined && { mend }),
    ...(warning !== undefined && { warning }),
  } as Finding & { mend: Mend };
}
